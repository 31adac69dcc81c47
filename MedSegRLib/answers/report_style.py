"""Report style: the looks of a report, for bright and dark screens and for paper."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --card: #f6f7f9; --ink: #1b2129; --soft: #5b6673; --line: #dde2e8;
  --accent: #1d5fa8; --ask: #e6eff9; --warn-paper: #fdf3d8; --warn-ink: #6b4e00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --card: #1c2229; --ink: #e6eaef; --soft: #9aa6b4; --line: #313a45;
    --accent: #7fb4ee; --ask: #203146; --warn-paper: #3a2f12; --warn-ink: #f3d68a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 0.8rem; margin: 2rem 0 0.6rem; color: var(--soft); text-transform: uppercase;
  letter-spacing: 0.08em; font-weight: 600; }
p { margin: 0.4rem 0; }
.under { color: var(--soft); margin: 0.2rem 0 1rem; }
.disclaimer { background: var(--warn-paper); color: var(--warn-ink); border-radius: 8px;
  padding: 0.6rem 0.9rem; font-weight: 600; }
article { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1.5rem; }
.bubble { border-radius: 12px; padding: 0.7rem 1rem; margin: 0.6rem 0; max-width: 52rem; width: fit-content; }
.ask { background: var(--ask); margin-left: auto; border-bottom-right-radius: 3px; }
.tell { background: var(--card); border: 1px solid var(--line); border-bottom-left-radius: 3px;
  white-space: pre-line; }
.tell b { font-weight: 600; border-bottom: 3px solid; border-radius: 1px; }
.who { font-size: 0.75rem; color: var(--soft); display: block; }
.stopped { color: var(--warn-ink); background: var(--warn-paper); border-radius: 6px;
  padding: 0.1rem 0.5rem; font-size: 0.85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.45rem 0.9rem 0.45rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; font-size: 0.8rem; vertical-align: bottom; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { font-weight: 600; }
tbody th { width: 11rem; color: var(--soft); font-weight: 500; }
.key { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 3px; margin-right: 0.5em;
  border: 1px solid rgba(128, 128, 128, 0.55); }
.bar { display: inline-block; width: 3.5rem; height: 0.4rem; border-radius: 4px; background: var(--line);
  overflow: hidden; margin-right: 0.5rem; vertical-align: middle; }
.bar i { display: block; height: 100%; background: var(--accent); }
.whole { white-space: nowrap; }
.small { font-size: 0.8rem; color: var(--soft); font-weight: 400; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: 0; flex: 1 1 17rem; max-width: min(30rem, 100%); overflow: hidden;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.frame { position: relative; background: #000; text-align: center; }
.frame img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.frame span { position: absolute; color: #ffe9a8; font: 600 14px/1 system-ui, sans-serif;
  text-shadow: 0 0 3px #000, 0 0 3px #000; }
.frame .l { left: 6px; top: 50%; transform: translateY(-50%); }
.frame .r { right: 6px; top: 50%; transform: translateY(-50%); }
.frame .t { top: 6px; left: 50%; transform: translateX(-50%); }
.frame .b { bottom: 6px; left: 50%; transform: translateX(-50%); }
figcaption { padding: 0.5rem 0.75rem 0.6rem; font-size: 0.82rem; width: 0; min-width: 100%; }
figcaption em { font-style: normal; white-space: nowrap; margin-right: 0.9em; }
details { margin-top: 1.5rem; }
summary { cursor: pointer; color: var(--accent); font-weight: 600; }
code { font: 0.85em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
footer { margin-top: 3rem; color: var(--soft); font-size: 0.85rem; }
@media print {
  main { max-width: none; padding: 0; }
  article, figure, tr { break-inside: avoid; }
  figure { max-width: 48%; }
}
"""
