import type { Environment } from '../environment.ts';
import { readOwnSetting } from '../temporal-settings.ts';
import { readCodecKeys, type CodecKeys } from './keys.ts';

/**
 * The keys that `RUNBOOK_CODEC_KEYS` names, or `codec_keys` in the profile of temporal.toml; undefined where neither does.
 * Throws BadSetting.
 */
export function findCodecKeys(env: Environment): CodecKeys | undefined {
  const file = readOwnSetting(env, 'RUNBOOK_CODEC_KEYS', 'codec_keys');
  return file === undefined ? undefined : readCodecKeys(file);
}
