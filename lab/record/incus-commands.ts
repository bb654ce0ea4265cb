/** As the product asks Incus: its REST API, through `incus` on a member. */
export const query = (path: string): string[] => ['incus', 'query', path];

export const send = (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): string[] => [
  ...['incus', 'query', '-X', method, '--wait'],
  ...(body === undefined ? [] : ['-d', JSON.stringify(body)]),
  path,
];

export const exec = (instance: string, ...argv: string[]): string[] => [
  ...['incus', 'exec', '--project=default', instance, '--mode=non-interactive', '--'],
  ...argv,
];

export const setState = (instance: string, body: object): string[] =>
  send('PUT', `/1.0/instances/${instance}/state?project=default`, body);

export const start = (instance: string): string[] => setState(instance, { action: 'start', timeout: -1 });
export const stop = (instance: string, timeout = 30, force = false): string[] =>
  setState(instance, { action: 'stop', timeout, force });

export const state = (instance: string): string[] => query(`/1.0/instances/${instance}/state?project=default`);
export const MEMBERS = ['incus', 'cluster', 'list', '-f', 'json'];
export const EXPIRY = '2030-01-02T03:04:05Z';
