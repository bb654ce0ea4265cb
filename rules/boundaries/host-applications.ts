import { hostRule } from './host-families.ts';

const names = (list: string): string[] =>
  list
    .trim()
    .split(/\s+/)
    .map((name) => `services.${name}`);

export const hostApplications = hostRule(
  {
    switched:
      names(`nextcloud gitea forgejo gitlab home-assistant jellyfin plex emby sonarr radarr lidarr prowlarr bazarr
      jackett transmission deluge qbittorrent sabnzbd nzbget vaultwarden bitwarden-directory-connector-cli immich paperless
      photoprism navidrome mattermost matrix-synapse conduit dendrite mastodon peertube postfix dovecot2 rspamd roundcube
      maddy stalwart-mail samba nfs.server syncthing seafile jenkins hydra gitea-actions-runner buildbot-master
      mosquitto zigbee2mqtt node-red esphome frigate octoprint minecraft-server factorio terraria teamspeak3 murmur
      ollama open-webui temporal nodered freshrss miniflux wallabag keycloak kanidm zitadel unifi adguardhome pihole-ftl
      dokuwiki mediawiki wordpress hedgedoc outline bookstack ghost discourse tt-rss calibre-web calibre-server
      audiobookshelf kavita komga readarr jellyseerr ombi tautulli searx searxng`),
    always: ['services.wordpress.sites.*', 'services.dokuwiki.sites.*', 'services.gitea-actions-runner.instances.*'],
  },
  {
    id: 'no-host-applications',
    title: 'No application on a host',
    section: '§4',
    noun: 'an application',
    why: 'A host runs Incus, ZFS, networking and what describes it. An application on it, with its state, makes it irreplaceable.',
    whatToDo: 'Move it into a guest.',
  },
);
