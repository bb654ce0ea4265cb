/** The rooms and what each may import: docs/architecture.md says why. */
const ROOMS = {
  cli: ['fleet', 'plan', 'rules', 'workers'],
  workflows: ['plan'],
  activities: ['tools', 'hosts', 'plan', 'fleet'],
  tools: ['hosts'],
  hosts: [],
  fleet: [],
  plan: [],
  rules: ['fleet', 'plan'],
  workers: ['workflows', 'activities', 'tools', 'hosts', 'fleet', 'plan'],
  simulator: [],
  lab: [],
  demo: ['cli', 'workers', 'activities', 'simulator', 'lab'],
  bench: ['workers', 'activities', 'tools', 'hosts', 'fleet', 'plan', 'simulator', 'lab'],
};
/** Imports that vanish when compiled, allowed over and above the rooms. */
const TYPES_ONLY = {
  cli: ['workflows'],
  activities: ['workflows'],
  workflows: ['activities', 'fleet'],
  plan: ['fleet'],
  tools: [],
  bench: ['workflows'],
};

const rooms = Object.keys(ROOMS);
const other = (from, allowed) => rooms.filter((room) => room !== from && !allowed.includes(room));
const folder = (names) => `^(${names.join('|')})/`;

const roomRules = rooms.flatMap((from) => {
  const types = TYPES_ONLY[from] ?? [];
  const rules = [];
  const forbidden = other(from, [...ROOMS[from], ...types]);
  if (forbidden.length > 0)
    rules.push({
      name: `${from}-imports-only-its-neighbours`,
      severity: 'error',
      from: { path: folder([from]) },
      to: { path: folder(forbidden) },
    });
  if (types.length > 0)
    rules.push({
      name: `${from}-imports-types-only`,
      severity: 'error',
      from: { path: folder([from]) },
      // messages.ts is names and types without the SDK: what the command line and the workers share with workflows.
      to: { path: folder(types), pathNot: '^workflows/messages[.]ts$', dependencyTypesNot: ['type-only'] },
    });
  return rules;
});

export default {
  forbidden: [
    ...roomRules,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'tools-and-hosts-know-nothing-of-temporal',
      severity: 'error',
      from: { path: folder(['tools', 'hosts', 'fleet', 'plan', 'simulator', 'lab']) },
      to: { path: 'node_modules/@temporalio/' },
    },
    {
      name: 'workflows-know-nothing-of-processes',
      severity: 'error',
      from: { path: folder(['workflows', 'plan']) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-hosts-spawn',
      comment: 'One process wrapper; the lab and the simulator are programs of their own.',
      severity: 'error',
      from: { path: folder(['cli', 'workflows', 'activities', 'tools', 'fleet', 'plan']) },
      to: { path: '(^node:child_process$|^child_process$|node_modules/execa/)' },
    },
    { name: 'nothing-imports-tests', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
