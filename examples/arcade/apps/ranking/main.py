"""Writes down the ten best players, in one transaction: readers see the old ranking or the new."""

import json
import os
import sys
import time

import psycopg

PLACES = 10
CONNECT_SECONDS = 5
BEST = """
INSERT INTO ranking (place, player, points)
SELECT row_number() OVER (ORDER BY points DESC, player), player, points
FROM points ORDER BY points DESC, player LIMIT %s
RETURNING player, points
"""


def log(level: str, message: str, **fields: object) -> None:
    whole = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"time": whole, "level": level, "service": "ranking", "message": message, **fields}
    print(json.dumps(line, default=str), flush=True)


def main() -> int:
    started = time.perf_counter()
    try:
        with psycopg.connect(os.environ["MAIN_URL"], connect_timeout=CONNECT_SECONDS) as database:
            database.execute("LOCK TABLE ranking IN EXCLUSIVE MODE")
            database.execute("DELETE FROM ranking")
            best = database.execute(BEST, (PLACES,)).fetchall()
    except psycopg.errors.UndefinedTable:
        log("info", "nobody has points yet")
        return 0
    except psycopg.Error as error:
        log("error", "the ranking could not be written", error=str(error))
        return 1
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    log("info", "ranking written", places=len(best), best=best[:1], ms=milliseconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
