import { entries, field, text } from './loose.ts';
import { atKey, wrong, type Mistake, type Path } from './mistake.ts';

/** What belongs together in a channel, and what of it would send a secret in the clear. */
export const checkNotifications = (file: unknown): Mistake[] => {
  const section = field(file, 'notifications');
  const deadMan = field(section, 'deadMan');
  return [
    ...entries(field(section, 'channels')).flatMap(([name, channel]) =>
      checkChannel(channel, ['notifications', 'channels', name]),
    ),
    ...(deadMan === undefined ? [] : checkUrl(deadMan, ['notifications', 'deadMan'])),
  ];
};

const checkChannel = (channel: unknown, path: Path): Mistake[] => {
  const type = text(field(channel, 'type'));
  if (type === 'webhook') return [...checkUrl(channel, path), ...checkClear(channel, path, 'headerFiles')];
  if (type === 'ntfy') return checkClear(channel, path, 'tokenFile');
  return type === 'email' ? checkLogin(channel, path) : [];
};

const checkUrl = (value: unknown, path: Path): Mistake[] => {
  const given = ['url', 'urlFile'].filter((key) => field(value, key) !== undefined);
  if (given.length === 1) return [];
  return given.length === 0
    ? [atKey(wrong(path, 'url or urlFile', 'neither', 'A URL that is a secret by itself goes into a file.'))]
    : [atKey(wrong([...path, 'urlFile'], 'either url or urlFile', 'both'))];
};

const checkLogin = (channel: unknown, path: Path): Mistake[] => {
  const [user, password] = [field(channel, 'user'), field(channel, 'passwordFile')];
  if ((user === undefined) !== (password === undefined)) {
    const [there, missing] = user === undefined ? ['passwordFile', 'user'] : ['user', 'passwordFile'];
    return [atKey(wrong([...path, there], `${missing} beside ${there}`, 'nothing'))];
  }
  if (password === undefined || field(channel, 'security') !== 'none') return [];
  const help = 'The password would go over the network for all to read.';
  return [wrong([...path, 'security'], 'starttls or tls with passwordFile', '"none"', help)];
};

/** Loopback is a network of nobody else. */
const CLEAR = /^http:\/\/(?!(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/?#]|$))/;

const checkClear = (channel: unknown, path: Path, secret: 'headerFiles' | 'tokenFile'): Mistake[] => {
  const url = text(field(channel, 'url'));
  if (url === undefined || !CLEAR.test(url) || field(channel, secret) === undefined) return [];
  const help = `What ${secret} has would go over the network for all to read.`;
  return [{ ...wrong([...path, 'url'], 'https', 'http', help), severity: 'warning' }];
};
