import { hostRule } from './host-families.ts';

const names = (list: string): string[] =>
  list
    .trim()
    .split(/\s+/)
    .map((name) => `services.${name}`);

export const hostProxies = hostRule(
  {
    switched: names(`nginx caddy traefik haproxy httpd lighttpd envoy varnish squid pomerium oauth2-proxy cloudflared
      sniproxy hitch h2o tengine stunnel privoxy authelia`),
  },
  {
    id: 'no-host-proxies',
    title: 'No reverse proxy or web server on a host',
    section: '§4',
    noun: 'a proxy',
    why: 'What the world reaches belongs in a guest, so that breaking into it is not breaking into every guest of the host.',
    whatToDo: 'Move it into a guest, as edge-vm.',
  },
);
