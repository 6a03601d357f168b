import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rehearsal.md"


def test_the_example_of_the_reference_page_runs() -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(compile(program, str(PAGE), "exec"), namespace)
    assert namespace["world"].seconds == 600
