/** The page's looks, in light and dark, on a phone and on paper. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1d2127; --soft: #5c6673; --page: #fbfbfa; --line: #d9dde2;
  --good: #1a7f4b; --bad: #c02e3a; --warn: #a65f00; --run: #0b6e99; --calm: #7d8793; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7ea; --soft: #9aa4af; --page: #15181c; --line: #333a42;
  --good: #4cc38a; --bad: #ff7f87; --warn: #f0b45b; --run: #5cc0e8; --calm: #76808b; } }
body { margin: 0; overflow-wrap: anywhere; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.summary { font-size: 1.15rem; margin: 0 0 1rem; }
.outcome { font-size: .9rem; font-weight: 600; vertical-align: middle; border: 1.5px solid currentColor; border-radius: 1rem;
  padding: .1rem .7rem; color: var(--run); }
.outcome.done, .outcome.already-so, .passed, .done b { color: var(--good); }
.outcome.failed, .outcome.terminated, .outcome.timed-out, .refused, .failed b { color: var(--bad); }
.outcome.rolled-back, .outcome.cancelled, .warning, .waiting b, tr.rolled-back b { color: var(--warn); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; } dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; } th { text-align: left; color: var(--soft); font-weight: 500; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
td:nth-child(3) { white-space: normal; overflow-wrap: anywhere; min-width: 14rem; } .number, th:nth-child(n + 5) { text-align: right; padding-left: .8rem; padding-right: 0; font-variant-numeric: tabular-nums; }
small, footer, time { color: var(--soft); } footer { margin-top: 3rem; font-size: .85rem; } pre { overflow-x: auto; font: .92em/1.4 ui-monospace, monospace; } .failed small { color: var(--bad); }
code { font: .92em ui-monospace, monospace; background: color-mix(in srgb, var(--calm) 18%, transparent); border-radius: 4px; padding: .1em .35em; }
.timeline { width: 100%; min-width: 44rem; height: auto; font: 12px system-ui, sans-serif; }
.timeline text { fill: var(--text); } .timeline .scale, .timeline .attempts { fill: var(--soft); text-anchor: middle; }
.timeline .attempts { text-anchor: start; } .tick { stroke: var(--line); } .mark { stroke: var(--warn); stroke-width: 1.5; stroke-dasharray: 4 3; }
.bar { fill: var(--calm); } .bar.done { fill: var(--good); } .bar.failed { fill: var(--bad); } .bar.running { fill: var(--run); } .bar.waiting, .bar.rolled-back { fill: var(--warn); }
@media print { body { font-size: 11px; } main { padding: 0; } }
`;
