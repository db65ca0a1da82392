// The style of a report: the fonts of the system, light and dark, and A4.
export const STYLE = `
:root { color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --soft: #59636e; --line: #d8dee4; --fill: #f6f8fa; --link: #0550ae;
  --good: #116329; --active: #0550ae; --waiting: #4c5a94; --attention: #7d4e00; --stopped: #6639ba; --bad: #b3131e;
  --add: #dafbe1; --del: #ffebe9; }
@media (prefers-color-scheme: dark) { :root { --bg: #0f1318; --fg: #e4e8ed; --soft: #9aa4af; --line: #333b44; --fill: #181d24; --link: #79b8ff;
  --good: #56d364; --active: #79b8ff; --waiting: #a5b4fc; --attention: #e3b341; --stopped: #c9a5ff; --bad: #ff8f88;
  --add: #12361f; --del: #4b1d1d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 3rem; max-width: 62rem; background: var(--bg); color: var(--fg);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
pre, code, .c { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em; }
h1, h2, h3 { line-height: 1.25; font-weight: 600; }
h1 { margin: 0; font-size: 1.9rem; }
h2 { margin: 2.75rem 0 .75rem; font-size: 1.3rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
p { margin: .5rem 0; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.kind { margin: 0 0 .25rem; color: var(--soft); font-size: .875rem; }
.lead { margin: .6rem 0 0; font-size: 1.1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1.25rem 0 0; padding: 0; list-style: none; font-size: .9375rem; }
.state { font-weight: 600; white-space: nowrap; }
.good { color: var(--good); fill: var(--good); } .active { color: var(--active); fill: var(--active); }
.waiting { color: var(--waiting); fill: var(--waiting); } .attention { color: var(--attention); fill: var(--attention); }
.stopped { color: var(--stopped); fill: var(--stopped); } .bad { color: var(--bad); fill: var(--bad); }
.none { color: inherit; fill: var(--soft); }
.note { padding: .5rem .75rem; border-left: 3px solid var(--attention); background: var(--fill); }
dl { margin: 0; }
dl div { display: grid; grid-template-columns: 8rem 1fr; gap: 0 1rem; padding: .15rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: 400; overflow-wrap: break-word; }
thead th { color: var(--soft); font-size: .875rem; white-space: nowrap; }
.wide .u, summary .u { line-break: anywhere; }
.wide { width: 38%; overflow-wrap: anywhere; }
.right { text-align: right; white-space: nowrap; }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: 6px; }
summary { padding: .5rem .75rem; cursor: pointer; }
details > :not(summary) { margin: .5rem .75rem .75rem; }
details > table { width: calc(100% - 1.5rem); }
pre { margin: 0; padding: .75rem; border-radius: 4px; background: var(--fill); line-height: 1.45; white-space: pre-wrap; tab-size: 8; }
pre span { display: inline-block; min-width: 100%; } .add { background: var(--add); } .del { background: var(--del); }
.commands { margin: 0; padding: 0; list-style: none; }
.commands li { padding: .35rem 0; } .commands code { display: block; } .commands span { color: var(--soft); font-size: .9375rem; }
figure { margin: 0 -.5rem; padding: 0 .5rem; overflow-x: clip; }
figcaption { margin-top: .5rem; color: var(--soft); font-size: .875rem; } figcaption span { margin-left: .75rem; white-space: nowrap; } figcaption svg { vertical-align: -2px; }
.timeline { display: block; font-size: 13px; overflow: visible; }
.timeline .n { fill: var(--fg); } .timeline .s { font-size: 12px; } .timeline .a { fill: var(--soft); font-size: 12px; }
.timeline .s.none { fill: var(--soft); }
.timeline .t { fill: var(--line); } .timeline .w { fill: var(--soft); } .timeline .g { stroke: var(--line); stroke-dasharray: 2 4; }
.timeline .e { stroke: var(--soft); }
.m { fill: none; stroke-width: 2; stroke: var(--fg); } .m-ok { fill: var(--good); stroke: var(--bg); stroke-width: 1; }
.m-ack { stroke: var(--soft); } .m-failed { stroke: var(--bad); stroke-width: 2.5; } .m-given-up { fill: var(--attention); stroke: var(--bg); stroke-width: 1; }
.m-late { fill: var(--attention); stroke: var(--bg); stroke-width: 1; } .m-cancel { fill: var(--stopped); stroke: var(--bg); stroke-width: 1; }
footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; }
@media (max-width: 40rem) {
  body { padding-top: 1.5rem; } h1 { font-size: 1.5rem; }
  dl div { grid-template-columns: 1fr; padding: .3rem 0; } dt { font-size: .875rem; }
  table, tbody, tr, tbody th, td { display: block; } thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); } tbody th, td { padding: .1rem 0; border: 0; }
  td.right { text-align: left; }
  td:empty { display: none; } td::before { content: attr(data-title) ": "; color: var(--soft); }
}
@page { size: A4; margin: 16mm 14mm; }
@media print {
  :root { --bg: #fff; --fg: #000; --soft: #444; --line: #bbb; --fill: #f4f4f4; --link: #000; --good: #0a5020; --active: #053c85; --waiting: #3b4780;
    --attention: #6b4300; --stopped: #532c9c; --bad: #990f18; --add: #e2f6e6; --del: #fbe4e2; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10.5pt; } nav { display: none; } a { text-decoration: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
  h2, h3, summary { break-after: avoid; } tr, dl div, .timeline { break-inside: avoid; } pre { font-size: 8.5pt; }
}
`;
