import { STYLE } from '../report/style.ts';

/** As a report looks, and what the pictures need besides. */
export const PAGE_STYLE = `${STYLE}
section { margin-top: 2.2rem; } .state { font-size: 1.3rem; font-weight: 600; margin: .2rem 0 0; } .state.good { color: var(--good); }
.state.warn { color: var(--warn); } .bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); } .warn { color: var(--warn); font-weight: 600; }
ul.todo { list-style: none; padding: 0; } ul.todo li { border-left: 4px solid var(--warn); padding: .1rem 0 .1rem .8rem; margin: .6rem 0; }
ul.todo li.cyan { border-color: var(--run); } td small { font-weight: 400; } ul.todo li.red { border-color: var(--bad); }
td:nth-child(3), th:nth-child(n) { white-space: nowrap; min-width: 0; } td { white-space: normal; } td.number { white-space: nowrap; } th:nth-child(n + 5) { text-align: left; }
td { padding-right: 1.2rem; } th.number:nth-child(n) { text-align: right; }
svg { width: 100%; min-width: 44rem; height: auto; font: 12px system-ui, sans-serif; } svg text { fill: var(--text); }
svg .scale, svg .value { fill: var(--soft); font-size: 11px; } svg .value { text-anchor: end; } svg .failed { fill: var(--bad); font-size: 15px; font-weight: 700; text-anchor: middle; }
svg .bar { fill: var(--run); } svg circle.good { fill: var(--good); } .cell.fresh { fill: var(--good); } .cell.late { fill: var(--warn); }
.cell.old { fill: var(--bad); } .cell.none { fill: var(--line); } details { margin: .5rem 0; } summary { cursor: pointer; color: var(--soft); }
`;
