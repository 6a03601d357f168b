"""How a report looks: one stylesheet and a few lines of script, so that the page needs nothing
from anywhere and opens from a file, an artifact of a pipeline or a mail."""

STYLESHEET = """
:root { color-scheme: light dark;
  --page: #fbfaf8; --card: #fff; --text: #1d2330; --quiet: #626b7a; --rule: #e4e2dd;
  --pass: #1a7f4b; --fail: #c22f3d; --unknown: #8a6100;
  --c0: #2f5fd0; --c1: #d9742b; --c2: #1d8f7a; --c3: #a6449e; --c4: #8b8000; --c5: #5b6472; }
@media (prefers-color-scheme: dark) { :root {
  --page: #14171d; --card: #1c2028; --text: #e6e8ec; --quiet: #9aa3b2; --rule: #313744;
  --pass: #56c98a; --fail: #ff7b84; --unknown: #e3b341;
  --c0: #7ea6ff; --c1: #ffa261; --c2: #4fd0b6; --c3: #e08bd8; --c4: #d6c84a; --c5: #a9b2c0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, "Hiragino Sans", "Noto Sans JP", sans-serif; }
main { max-width: 1360px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 18px; margin: 36px 0 12px; }
h3 { font-size: 15px; margin: 0; }
header p { margin: 4px 0 0; color: var(--quiet); }
.verdict { display: inline-block; font-weight: 700; }
.pass { color: var(--pass); } .fail { color: var(--fail); } .unknown { color: var(--unknown); }
.headlines { list-style: none; margin: 12px 0 0; padding: 0; font-size: 16px; }
.headlines li { margin: 2px 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 12px;
  margin-top: 20px; }
.card, figure, .finding, table { background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
.card { padding: 12px 14px; }
.card b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.card span { color: var(--quiet); font-size: 13px; }
.card .was { display: block; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr));
  gap: 14px; }
figure { margin: 0; padding: 12px 14px 8px; position: relative; }
figcaption { display: flex; justify-content: space-between; gap: 12px; flex-wrap: wrap; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 12px; margin: 0; padding: 0; list-style: none;
  color: var(--quiet); font-size: 13px; }
.key { display: inline-block; width: 14px; height: 3px; margin-right: 5px; vertical-align: middle;
  background: var(--colour); }
.about { margin: 2px 0 4px; color: var(--quiet); font-size: 13px; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--quiet); font-size: 11px; font-variant-numeric: tabular-nums; }
.grid line { stroke: var(--rule); }
.c0 { --colour: var(--c0); } .c1 { --colour: var(--c1); } .c2 { --colour: var(--c2); }
.c3 { --colour: var(--c3); } .c4 { --colour: var(--c4); } .c5 { --colour: var(--c5); }
.line { fill: none; stroke: var(--colour); stroke-width: 1.7; stroke-linejoin: round; }
.line.faint { stroke-dasharray: 4 3; opacity: .75; } .key.faint { opacity: .5; }
.band { fill: var(--colour); opacity: .16; }
.mark line { stroke: var(--quiet); stroke-dasharray: 2 3; opacity: .7; }
.mark circle { fill: var(--quiet); } .mark.fault line { stroke: var(--fail); }
.mark.fault circle { fill: var(--fail); }
.limit line { stroke: var(--fail); stroke-dasharray: 6 4; }
.cursor { stroke: var(--text); opacity: .45; }
.finding { padding: 14px 16px; margin-bottom: 12px; border-left: 4px solid var(--unknown); }
.finding, .finding.fail, .finding.pass { color: var(--text); }
.finding.fail { border-left-color: var(--fail); }
.finding.pass { border-left-color: var(--pass); }
.finding p { margin: 4px 0 0; } .finding .do { color: var(--quiet); }
.finding figure { margin-top: 12px; max-width: 760px; }
.whole { white-space: nowrap; }
.wide { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 6px 12px; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: 600; }
th.number { text-align: right; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
details summary { cursor: pointer; color: var(--quiet); margin: 10px 0; }
footer { margin-top: 40px; color: var(--quiet); font-size: 13px; }
@media (max-width: 640px) {
  .cards { grid-template-columns: repeat(2, 1fr); gap: 8px; }
  .card { padding: 8px 10px; } .card b { font-size: 18px; }
  main { padding: 18px 12px 40px; }
  .wide table { min-width: 62rem; }
}
@media print { .charts { grid-template-columns: 1fr 1fr; } figure { break-inside: avoid; } }
"""

# A cursor over one chart shows the same instant on all: a deploy, a node's loss and a spike of
# latency are seen to be one thing.
SCRIPT = """
const charts = [...document.querySelectorAll('.chart svg')];
const ns = 'http://www.w3.org/2000/svg';
for (const chart of charts) {
  const line = document.createElementNS(ns, 'line');
  for (const [name, value] of [['class', 'cursor'], ['y1', 18], ['y2', 186], ['hidden', '']])
    line.setAttribute(name, value);
  chart.append(line);
  chart.addEventListener('mousemove', event => {
    const box = chart.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * 640;
    const share = (x - 58) / (630 - 58);
    const { first, last } = chart.dataset;
    show(share < 0 || share > 1 ? null : +first + share * (last - first));
  });
  chart.addEventListener('mouseleave', () => show(null));
}
function show(at) {
  for (const chart of charts) {
    const line = chart.querySelector('.cursor');
    const { first, last } = chart.dataset;
    const inside = at !== null && at >= +first && at <= +last;
    line.toggleAttribute('hidden', !inside);
    line.style.display = inside ? '' : 'none';
    if (!inside) continue;
    const x = 58 + (at - first) / (last - first) * (630 - 58);
    line.setAttribute('x1', x); line.setAttribute('x2', x);
  }
}
show(null);
"""
