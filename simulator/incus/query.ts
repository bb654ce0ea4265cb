import { randomUUID } from 'node:crypto';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { formationRoutes } from './formation-routes.ts';
import { instanceRoutes } from './instance-routes.ts';
import type { State } from '../core/state.ts';
import type { Answer, Route } from './routes.ts';
import { recoveryRoutes } from './recovery-routes.ts';
import { memberRoutes } from './member-routes.ts';
import { outOfRoot } from '../core/paths.ts';
import { seenBy } from './servers.ts';
import { recreatingRoutes } from './recreating.ts';
import { serverRoutes } from './server-routes.ts';
import { storageRoutes } from './storage-routes.ts';

const ROUTES: readonly Route[] = [
  ...serverRoutes,
  ...formationRoutes,
  ...memberRoutes,
  ...instanceRoutes,
  ...recreatingRoutes,
  ...storageRoutes,
  ...recoveryRoutes,
];

/** `incus query`: the REST API on the member's own socket. */
export async function query(call: Call): Promise<number> {
  const asked = readOptions(call.args.slice(1), {
    flags: ['wait', 'raw'],
    values: ['request', 'data'],
    short: { X: 'request', d: 'data' },
  });
  const [target = ''] = asked.positionals;
  const method = asked.value('request') ?? 'GET';
  const url = new URL(target, 'http://incus');
  const segments = url.pathname.split('/').slice(1).map(decodeURIComponent);
  const { route, parameters } = findRoute(method, segments, target);
  for (const key of url.searchParams.keys())
    if (!['project', 'target', 'recursion', 'all-projects', ...(route.query ?? [])].includes(key))
      throw new Unknown(`unknown parameter ${key} of ${target}`);
  const body = asked.value('data');
  const request = {
    store: call.store,
    member: call.machine,
    parameters,
    query: Object.fromEntries(url.searchParams),
    body: body === undefined ? {} : (JSON.parse(outOfRoot(body, call.root)) as Record<string, unknown>),
  };
  const checked = checkBody(request.body, route.body ?? []);
  if (checked !== undefined) throw new Unknown(`unknown field ${checked} in the body of ${method} ${target}`);
  const handle = (whole: State): Answer => route.handle(seenBy(whole, call.machine), { ...request, whole });
  const answer = route.changes ? await call.update(handle) : handle(call.store.read());
  print(call, answer, asked.has('wait'));
  return 0;
}

function findRoute(
  method: string,
  segments: string[],
  target: string,
): { route: Route; parameters: Record<string, string> } {
  for (const route of ROUTES) {
    const pattern = route.path.split('/').slice(1);
    if (route.method !== method || pattern.length !== segments.length) continue;
    if (pattern.every((part, i) => part.startsWith(':') || part === segments[i])) {
      const parameters = pattern.flatMap((part, i) =>
        part.startsWith(':') ? [[part.slice(1), segments[i] ?? '']] : [],
      );
      return { route, parameters: Object.fromEntries(parameters) as Record<string, string> };
    }
  }
  throw new Unknown(`unknown request ${method} ${target}`);
}

function checkBody(body: Record<string, unknown>, known: readonly string[]): string | undefined {
  return Object.keys(body).find((key) => !known.includes(key));
}

/** With `--wait` an operation's end is printed; its metadata is what the route answers. */
function print(call: Call, answer: Answer, wait: boolean): void {
  if (answer.type === 'empty') return;
  if (answer.type === 'refused') throw new ToolError(`Error: ${answer.error}`);
  if (answer.type === 'json') {
    call.out(`${JSON.stringify(answer.value, null, '\t')}\n\n`);
    return;
  }
  const now = new Date().toISOString();
  const operation = {
    class: 'task',
    created_at: now,
    description: answer.description,
    err: '',
    id: randomUUID(),
    location: call.machine,
    may_cancel: false,
    metadata: {},
    resources: {},
    status: wait ? 'Success' : 'Running',
    status_code: wait ? 200 : 103,
    updated_at: now,
  };
  call.out(`${JSON.stringify(operation, null, '\t')}\n\n`);
}
