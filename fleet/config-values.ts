import { isAlias, isScalar, type Document } from 'yaml';
import { CONFIG_VALUE } from './fields.ts';
import { entries, field } from './loose.ts';
import { wrong, type Mistake, type Path } from './mistake.ts';
import { checkSecret } from './secrets.ts';
import type { YamlText } from './yaml-document.ts';

/** Every key and value of Incus's configuration that the file has, with where it is. */
const configuration = (file: unknown): [path: Path, key: string, value: unknown][] => {
  const cluster = field(file, 'cluster');
  const of = (path: Path, mapping: unknown): [Path, string, unknown][] =>
    entries(mapping).map(([key, value]) => [[...path, key], key, value]);
  const networks = entries(field(cluster, 'networks'));
  const profiles = entries(field(cluster, 'profiles'));
  return [
    ...of(['cluster', 'config'], field(cluster, 'config')),
    ...networks.flatMap(([name, it]) => of(['cluster', 'networks', name, 'config'], field(it, 'config'))),
    ...profiles.flatMap(([name, it]) => [
      ...of(['cluster', 'profiles', name, 'config'], field(it, 'config')),
      ...entries(field(it, 'devices')).flatMap(([device, keys]) =>
        of(['cluster', 'profiles', name, 'devices', device], keys),
      ),
    ]),
    ...entries(field(file, 'guests')).flatMap(([name, guest]) => {
      const create = field(guest, 'create');
      const path: Path = ['guests', name, 'create'];
      return [
        ...of([...path, 'config'], field(create, 'config')),
        ...entries(field(create, 'devices')).flatMap(([device, keys]) => of([...path, 'devices', device], keys)),
      ];
    }),
  ];
};

/**
 * Incus keeps text. A number that YAML reads and writes otherwise would come there as another one: `1.10` as `1.1`, `0x10` as
 * `16`. So it is refused as it is written.
 */
export const checkConfiguration = (file: unknown, { document }: YamlText): Mistake[] =>
  configuration(file).flatMap(([path, key, value]) => [
    ...checkSecret(path, key, value),
    ...checkNumber(path, value, document),
  ]);

const checkNumber = (path: Path, value: unknown, document: Document): Mistake[] => {
  if (typeof value !== 'number') return [];
  const written = sourceAt(path, document) ?? String(value);
  if (Number.isSafeInteger(value) && written === String(value)) return [];
  return [wrong(path, CONFIG_VALUE, written, `In quotes it stays as it is written: "${written}".`)];
};

const sourceAt = (path: Path, document: Document): string | undefined => {
  const node: unknown = document.getIn(path, true);
  const scalar = isAlias(node) ? node.resolve(document) : node;
  return isScalar(scalar) ? scalar.source : undefined;
};
