import { describe, expect, it } from '@jest/globals';
import { RULES } from '../../rules/registry.ts';
import { SUPPRESSION_RULES } from '../../rules/suppressions.ts';
import { found, insert, swap, type Changes } from './homelab.ts';

/** In two words, so that nobody takes this file for one that has a key. */
const PRIVATE_KEY = ['PRIVATE', 'KEY'].join(' ');
const NUC = `age1${'n'.repeat(58)}`;
const HOME = `age1${'h'.repeat(58)}`;
const HOST = 'host/nodes/nuc-1/configuration.nix';
const BASE = 'host/common/base.nix';
const TF = 'infra/incus/nuc-1/main.tf';
const EDGE_TF = 'infra/incus/elitedesk-1/main.tf';
const GUEST = 'guests/home-vm/configuration.nix';
const YAML = 'services/home/compose.yaml';
const host = (line: string): Changes => ({ [HOST]: insert(line) });
const tf = (from: string, to: string): Changes => ({ [TF]: swap(from, to) });
const fleet = (from: string, to: string): Changes => ({ 'runbook.yaml': swap(from, to) });

interface Case {
  what: string;
  changes: Changes;
  /** Where it is found; empty: a near miss, which is left alone. */
  at: string[];
}
const seed = (what: string, changes: Changes, ...at: string[]): Case => ({ what, changes, at });
const near = (what: string, changes: Changes): Case => ({ what, changes, at: [] });

const flake = (from: string, to: string): Changes => ({ 'flake.nix': swap(from, to) });
const imported = (expression: string): Changes => ({
  [HOST]: swap('./hardware', `${expression} ./hardware`),
  'services/db.nix': '{\n  services.postgresql.enable = true;\n}\n',
});
const imports = (...expressions: string[]): Case[] =>
  expressions.map((each) => seed(`a file by ${each}`, imported(each), 'services/db.nix:2'));

const CASES: Record<string, Case[]> = {
  'no-host-databases': [
    seed('a dotted option', host('services.postgresql.enable = true;'), `${HOST}:11`),
    seed('a nested set', host('services = { mysql = { enable = true; package = x; }; };'), `${HOST}:11`),
    seed('a default', host('services.influxdb2.enable = lib.mkDefault true;'), `${HOST}:11`),
    seed('a condition', host('services.redis = lib.mkIf cfg.on { servers.a.enable = true; };'), `${HOST}:11`),
    seed(
      'what is merged',
      { [HOST]: 'lib: lib.mkMerge [ { networking.hostName = "nuc-1"; } ({ services.etcd.enable = true; }) ]' },
      `${HOST}:1`,
    ),
    seed('under config', host('config.services.mongodb.enable = true;'), `${HOST}:11`),
    seed(
      'a let around it',
      { [HOST]: 'let on = true; in { networking.hostName = "nuc-1"; services.mysql.enable = on; }' },
      `${HOST}:1`,
    ),
    seed(
      'a file of another folder that a host imports',
      {
        [HOST]: swap('./hardware', '../../../services/db.nix ./hardware'),
        'services/db.nix': '{\n  services.postgresql.enable = true;\n}\n',
      },
      'services/db.nix:2',
    ),
    ...imports('(import ../../../services/db.nix)', '(import ../../../services/db.nix { inherit lib; })'),
    ...imports('(../../../services + "/db.nix")', '"${self}/services/db.nix"', '(inputs.self + "/services/db.nix")'),
    ...imports('(lib.mkIf on ../../../services/db.nix)', '] ++ lib.optional on ../../../services/db.nix ++ ['),
    ...imports('] ++ lib.optionals on [ ../../../services/db.nix ] ++ ['),
    ...imports('] ++ (if on then [ ../../../services/db.nix ] else [ ]) ++ ['),
    ...imports('] ++ map (name: name) [ ../../../services/db.nix ] ++ ['),
    seed(
      'a module among its imports',
      { [HOST]: swap('./hardware', '{ services.mysql.enable = true; } ./hardware') },
      `${HOST}:7`,
    ),
    seed(
      'a module of a member in flake.nix',
      flake('nuc-1/configuration.nix ]', 'nuc-1/configuration.nix { services.mysql.enable = true; } ]'),
      'flake.nix:23',
    ),
    seed(
      'a function of one, that is only there on a condition',
      flake(
        'nuc-1/configuration.nix ]',
        'nuc-1/configuration.nix ] ++ lib.optional on ({ ... }: { services.mysql.enable = true; })',
      ),
      'flake.nix:23',
    ),
    seed(
      'a file of a member in flake.nix',
      {
        ...flake('nuc-1/configuration.nix ]', 'nuc-1/configuration.nix ./services/db.nix ]'),
        'services/db.nix': '{\n  services.postgresql.enable = true;\n}\n',
      },
      'services/db.nix:2',
    ),
    seed(
      'modules that have a name in flake.nix',
      {
        'flake.nix':
          '{\n  outputs = { nixpkgs, ... }: let\n    more = [ { services.mysql.enable = true; } ];\n  in {\n    nixosConfigurations.nuc-1 = nixpkgs.lib.nixosSystem { modules = more ++ [ ./host/nodes/nuc-1/configuration.nix ]; };\n  };\n}\n',
      },
      'flake.nix:3',
    ),
    seed(
      'what a function in flake.nix gives every host',
      {
        'flake.nix':
          '{\n  outputs = { lib, machine, ... }: let\n    host = name: _: machine [\n      ./host/nodes/${name}/configuration.nix\n      { services.mysql.enable = true; }\n    ];\n  in { nixosConfigurations = lib.mapAttrs host { }; };\n}\n',
      },
      'flake.nix:5',
    ),
    near('a module of a guest in flake.nix', {
      'flake.nix': (text) =>
        text.replace(
          'edge-vm/configuration.nix ]',
          'edge-vm/configuration.nix ./host/common/base.nix { services.mysql.enable = true; } ]',
        ),
    }),
    near('another path that is put together', imported('(../../../services/x + "/db.nix")')),
    near('switched off', host('services.postgresql.enable = false;')),
    near('settings without a switch', host('services.postgresql.port = 5432;')),
    near('the exporter of one', host('services.prometheus.exporters.postgres.enable = true;')),
    near('in a comment', host('# services.postgresql.enable = true;')),
    near('in a text', host('environment.etc.note.text = "services.postgresql.enable = true;";')),
    near('in a guest', { [GUEST]: insert('services.mysql.enable = true;') }),
  ],
  'no-host-proxies': [
    seed('nginx', host('services.nginx.enable = true;'), `${HOST}:11`),
    seed('for all hosts', { [BASE]: insert('services.caddy.enable = true;') }, `${BASE}:20`),
    near('virtual hosts of one that is not on', host('services.nginx.virtualHosts."a.lan".root = "/srv";')),
    near('in a guest', { [GUEST]: insert('services.traefik.enable = true;') }),
  ],
  'no-host-containers': [
    seed('docker', host('virtualisation.docker.enable = true;'), `${HOST}:11`),
    seed('podman by a variable', host('virtualisation.podman = { enable = cfg.podman; };'), `${HOST}:11`),
    seed('a declared container', host('virtualisation.oci-containers.containers.app.image = "app";'), `${HOST}:11`),
    seed('one of NixOS’s own', host('containers.web = { autoStart = true; config = { }; };'), `${HOST}:11`),
    near('Incus', host('virtualisation.incus.ui.enable = true;')),
    near('the backend alone', host('virtualisation.oci-containers.backend = "podman";')),
  ],
  'no-host-applications': [
    seed('home assistant', host('services.home-assistant.enable = true;'), `${HOST}:11`),
    seed('a file server', host('services.samba.enable = true;'), `${HOST}:11`),
    near('in a guest', { [GUEST]: insert('services.nextcloud.enable = true;') }),
  ],
  'host-services-known': [
    seed('what nobody knows', host('services.frobnicator.enable = true;'), `${HOST}:11`),
    near('hardware', host('services.smartd.enable = true;')),
    near('below a service of the host', host('services.openssh.sftpServer.enable = true;')),
  ],
  'monitoring-in-guests': [
    seed('Prometheus', host('services.prometheus.enable = true;'), `${HOST}:11`),
    seed('Loki', host('services.loki = { enable = true; };'), `${HOST}:11`),
    near('exporters', host('services.prometheus.exporters.zfs.enable = true;')),
    near('promtail', host('services.promtail.enable = true;')),
  ],
  'no-implicit-placement': [
    seed(
      'an instance',
      tf('  type   = "virtual-machine"\n  target = "nuc-1"\n', '  type   = "virtual-machine"\n'),
      `${TF}:24`,
    ),
    seed('a volume', tf('  pool   = "zpool"\n  target = "nuc-1"\n', '  pool   = "zpool"\n'), `${TF}:17`),
    seed(
      'a group',
      tf('type   = "virtual-machine"\n  target = "nuc-1"', 'type   = "virtual-machine"\n  target = "@minis"'),
      `${TF}:28`,
    ),
    seed(
      'a misspelt member',
      tf('type   = "virtual-machine"\n  target = "nuc-1"', 'type   = "virtual-machine"\n  target = "nuc-2"'),
      `${TF}:28`,
    ),
    seed('other than runbook.yaml', fleet('member: nuc-1', 'member: elitedesk-2'), `${TF}:28`),
    seed(
      'another member’s folder',
      {
        'infra/incus/elitedesk-2/home.tf':
          'resource "incus_storage_volume" "x" {\n  name = "x"\n  pool = "zpool"\n  target = "nuc-1"\n  config = { "snapshots.schedule" = "30 4 * * *", "snapshots.expiry" = "7d" }\n}\n',
      },
      'infra/incus/elitedesk-2/home.tf:4',
    ),
    seed(
      'a local that is empty',
      {
        [TF]: (text) =>
          `locals {\n  where = ""\n}\n${text.replace('"virtual-machine"\n  target = "nuc-1"', '"virtual-machine"\n  target = local.where')}`,
      },
      `${TF}:31`,
    ),
    near('a local', {
      [TF]: (text) => `locals {\n  where = "nuc-1"\n}\n${text.replaceAll('target = "nuc-1"', 'target = local.where')}`,
    }),
    seed(
      'a variable that a file gives another value',
      {
        [TF]: (text) =>
          `variable "where" {\n  default = "nuc-1"\n}\n${text.replace('"virtual-machine"\n  target = "nuc-1"', '"virtual-machine"\n  target = var.where')}`,
        'infra/incus/nuc-1/terraform.tfvars': 'where = "nuc-1"\n',
        'infra/incus/nuc-1/x.auto.tfvars': 'where = "nuc-3"\n',
      },
      `${TF}:31`,
    ),
    near('a default that a file replaces', {
      [TF]: (text) =>
        `variable "where" {\n  default = "nuc-3"\n}\n${text.replaceAll('target = "nuc-1"', 'target = var.where')}`,
      'infra/incus/nuc-1/terraform.tfvars': 'where = "nuc-1"\n',
    }),
    near('a variable without a default', {
      [TF]: (text) => `variable "where" {}\n${text.replaceAll('target = "nuc-1"', 'target = var.where')}`,
    }),
    near('what is of all members', { [TF]: (text) => `${text}\nresource "incus_network" "n" {\n  name = "n"\n}\n` }),
    near('commented out', {
      [TF]: (text) => `${text}\n# resource "incus_instance" "x" {\n# }\n/* resource "incus_instance" "y" {} */\n`,
    }),
  ],
  'no-scheduler': [
    seed(
      'a member that may be chosen',
      {
        [TF]: (text) =>
          `${text}\nresource "incus_cluster_member" "m" {\n  config = { "scheduler.instance" = "all" }\n}\n`,
      },
      `${TF}:50`,
    ),
    seed(
      'a script',
      {
        [EDGE_TF]: (text) =>
          `${text}\nresource "incus_server" "s" {\n  config = {\n    "instances.placement.scriptlet" = <<-EOT\n      def instance_placement(request, candidates):\n          pass\n    EOT\n  }\n}\n`,
      },
      `${EDGE_TF}:51`,
    ),
    seed('a preseed', host('virtualisation.incus.preseed.config."cluster.rebalance.interval" = 10;'), `${HOST}:11`),
    seed(
      'runbook.yaml',
      { 'runbook.yaml': swap('cluster:\n', 'cluster:\n  config: { scheduler.instance: group }\n') },
      'runbook.yaml:23',
    ),
    near('placement that is left to people', {
      [TF]: (text) =>
        `${text}\nresource "incus_cluster_member" "m" {\n  config = { "scheduler.instance" = "manual" }\n}\n`,
    }),
    near('no rebalancing', host('virtualisation.incus.preseed.config."cluster.rebalance.interval" = 0;')),
  ],
  'no-implicit-migration': [
    seed(
      'an instance that is migrated',
      tf('"cluster.evacuate"     = "stop"', '"cluster.evacuate"     = "migrate"'),
      `${TF}:32`,
    ),
    seed(
      'one that Incus decides of',
      tf('"cluster.evacuate"     = "stop"', 'cluster.evacuate     = "auto"'),
      `${TF}:32`,
    ),
    seed('healing', host('virtualisation.incus.preseed.config."cluster.healing_threshold" = "30";'), `${HOST}:11`),
    seed(
      'nothing said',
      {
        [TF]: swap('    "cluster.evacuate"     = "stop"\n', ''),
        'runbook.yaml': swap('config: { cluster.evacuate: stop }', 'config: {}'),
      },
      `${TF}:24`,
    ),
    seed(
      'a profile of runbook.yaml',
      fleet('cluster.evacuate: stop', 'cluster.evacuate: live-migrate'),
      'runbook.yaml:27',
    ),
    near('an offline threshold', {
      'runbook.yaml': swap('cluster:\n', 'cluster:\n  config: { cluster.offline_threshold: 60 }\n'),
    }),
    near('healing that is off', host('virtualisation.incus.preseed.config."cluster.healing_threshold" = "0";')),
    near('from the profile default', tf('    "cluster.evacuate"     = "stop"\n', '')),
    near('stopped with its state', tf('"cluster.evacuate"     = "stop"', '"cluster.evacuate"     = "stateful-stop"')),
    near('from a profile of Terraform', {
      [TF]: (text) =>
        `${text.replace('    "cluster.evacuate"     = "stop"\n', '').replace('  image  =', '  profiles = [incus_profile.base.name]\n  image  =')}\nresource "incus_profile" "base" {\n  name = "base"\n  config = { "cluster.evacuate" = "stop" }\n}\n`,
      'runbook.yaml': swap('config: { cluster.evacuate: stop }', 'config: {}'),
    }),
  ],
  'no-orchestrator': [
    seed('k3s in a guest', { [GUEST]: insert('services.k3s.enable = true;') }, `${GUEST}:15`),
    seed('a role of Kubernetes', { [GUEST]: insert('services.kubernetes.roles = [ "master" ];') }, `${GUEST}:15`),
    seed('Nomad', { [GUEST]: insert('services.nomad = { enable = true; };') }, `${GUEST}:15`),
    seed(
      'a manifest',
      { 'services/home/app.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\n' },
      'services/home/app.yaml:2',
    ),
    seed(
      'swarm',
      {
        [YAML]: swap(
          '      resources:',
          '      placement:\n        constraints: [node.role == manager]\n      resources:',
        ),
      },
      `${YAML}:10`,
    ),
    seed('a resource', { [TF]: (text) => `${text}\nresource "helm_release" "x" {\n  name = "x"\n}\n` }, `${TF}:49`),
    seed(
      'a job of Nomad',
      { 'services/home/app.nomad': 'job "app" {\n  group "g" {}\n}\n' },
      'services/home/app.nomad:1',
    ),
    seed(
      'a stack',
      { [GUEST]: insert('systemd.services.x.script = "docker stack deploy -c x.yaml x";') },
      `${GUEST}:15`,
    ),
    near('limits of a compose file', { [YAML]: swap('memory: 512M', 'memory: 1G') }),
    near('something of another kind', { 'services/home/app.yaml': 'kind: config\nname: x\n' }),
    near('switched off', { [GUEST]: insert('services.k3s.enable = false;') }),
    near('kubectl as a program', { [GUEST]: insert('environment.systemPackages = [ pkgs.kubectl ];') }),
  ],
  'same-versions': [
    seed('another package', host('virtualisation.incus.package = pkgs.incus;'), `${HOST}:11`),
    seed(
      'another nixpkgs',
      {
        'flake.nix': swap(
          'nixosConfigurations.nuc-1 = nixpkgs.lib',
          'nixosConfigurations.nuc-1 = inputs.nixpkgs-unstable.lib',
        ),
      },
      'flake.nix:22',
    ),
    seed('another provider', tf('"~> 1.1"', '"~> 1.0"'), `${TF}:5`),
    seed(
      'another provider in the lock',
      { 'infra/incus/nuc-1/.terraform.lock.hcl': swap('"1.1.1"', '"1.0.2"') },
      'infra/incus/nuc-1/.terraform.lock.hcl:2',
    ),
    near('another state version', { [HOST]: swap('system.stateVersion = "26.05"', 'system.stateVersion = "25.05"') }),
    near('a guest of another release', {
      'flake.nix': swap(
        'nixosConfigurations.edge-vm = nixpkgs.lib',
        'nixosConfigurations.edge-vm = inputs.nixpkgs-unstable.lib',
      ),
    }),
    near('another package for all', { 'host/common/incus.nix': swap('pkgs.incus-lts', 'pkgs.incus') }),
  ],
  'stable-names': [
    seed('no name', { [HOST]: swap('  networking.hostName = "nuc-1";\n', '') }, `${HOST}:1`),
    seed('a copied name', { [HOST]: swap('hostName = "nuc-1"', 'hostName = "elitedesk-2"') }, `${HOST}:9`),
    seed('an empty name', { [HOST]: swap('hostName = "nuc-1"', 'hostName = ""') }, `${HOST}:9`),
    seed('a name from DHCP', host('systemd.network.networks."10-lan".dhcpV4Config.UseHostname = true;'), `${HOST}:11`),
    seed('a wildcard', host('virtualisation.incus.preseed.config."core.https_address" = "[::]:8443";'), `${HOST}:11`),
    seed('a made-up address', fleet('10.0.0.13', 'dhcp-10-0-0-13.lan'), 'runbook.yaml:6'),
    near('a computed name', { [HOST]: swap('hostName = "nuc-1"', 'hostName = name') }),
    near('an address of its own', host('virtualisation.incus.preseed.config."core.https_address" = "10.0.0.13:8443";')),
    near('a name in DNS', fleet('10.0.0.13', 'nuc-1.lan')),
    near('a host that is no member', { 'host/nodes/spare/configuration.nix': '{ networking.hostName = "old"; }' }),
  ],
  'same-pool-names': [
    seed(
      'of ZFS',
      {
        'host/common/storage.nix': swap('  boot.zfs.extraPools = [ "zpool" ];\n', ''),
        ...Object.fromEntries(
          ['elitedesk-1', 'elitedesk-2', 'nuc-1'].map((name) => [
            `host/nodes/${name}/disks.nix`,
            `{ disko.devices.zpool.${name === 'nuc-1' ? 'tank' : 'zpool'}.type = "zpool"; }`,
          ]),
        ),
      },
      'host/nodes/elitedesk-1/disks.nix:1',
      'host/nodes/elitedesk-2/disks.nix:1',
      'host/nodes/nuc-1/disks.nix:1',
    ),
    seed(
      'of Incus',
      Object.fromEntries(
        [
          ['elitedesk-1', 'zpool'],
          ['nuc-1', 'zpool2'],
        ].map(([name, pool]) => [
          `infra/incus/${name}/pool.tf`,
          `resource "incus_storage_pool" "p" {\n  name = "${pool}"\n  driver = "zfs"\n  target = "${name}"\n}\n`,
        ]),
      ),
      'infra/incus/elitedesk-1/pool.tf:1',
      'infra/incus/nuc-1/pool.tf:1',
    ),
    seed('one that nobody has', tf('pool   = "zpool"\n  target', 'pool   = "zpol"\n  target'), `${TF}:19`),
    near(
      'one name on each',
      Object.fromEntries(
        ['elitedesk-1', 'nuc-1'].map((name) => [
          `infra/incus/${name}/pool.tf`,
          `resource "incus_storage_pool" "p" {\n  name = "zpool"\n  driver = "zfs"\n  target = "${name}"\n}\n`,
        ]),
      ),
    ),
    near('a pool of a variable', tf('pool   = "zpool"\n  target', 'pool   = var.pool\n  target')),
  ],
  'snapshot-policy': [
    seed('an instance without an expiry', tf('    "snapshots.expiry"     = "7d"\n', ''), `${TF}:24`),
    seed(
      'a volume without both',
      tf('config = merge(local.snapshots, { "zfs.block_mode" = "false" })', 'config = { "zfs.block_mode" = "false" }'),
      `${TF}:17`,
    ),
    seed('an empty schedule', tf('"45 4 * * *"', '""'), `${TF}:24`),
    seed('no config', tf('  config = merge(local.snapshots, { "zfs.block_mode" = "false" })\n', ''), `${TF}:17`),
    near(
      'of a local',
      tf('config = merge(local.snapshots, { "zfs.block_mode" = "false" })', 'config = local.snapshots'),
    ),
    near(
      'computed elsewhere',
      tf('config = merge(local.snapshots, { "zfs.block_mode" = "false" })', 'config = module.volumes.config'),
    ),
    near('of the pool', {
      [TF]: (text) =>
        `${text.replace('  config = merge(local.snapshots, { "zfs.block_mode" = "false" })\n', '')}\nresource "incus_storage_pool" "p" {\n  name = "zpool"\n  driver = "zfs"\n  config = { "volume.snapshots.schedule" = "30 4 * * *", "volume.snapshots.expiry" = "7d" }\n}\n`,
    }),
    near('a disc image', {
      [TF]: (text) =>
        `${text}\nresource "incus_storage_volume" "iso" {\n  name = "nixos.iso"\n  pool = "zpool"\n  target = "nuc-1"\n  content_type = "iso"\n}\n`,
    }),
  ],
  'dst-safe-schedules': [
    seed('snapshots', tf('"45 4 * * *"', '"30 2 * * *"'), `${TF}:33`),
    seed('a timer', host('systemd.timers.x.timerConfig.OnCalendar = "*-*-* 02:15:00";'), `${HOST}:11`),
    seed('startAt', host('systemd.services.x.startAt = [ "02:15" ];'), `${HOST}:11`),
    seed('one time of two', tf('"45 4 * * *"', '"45 2,14 * * *"'), `${TF}:33`),
    seed('its own zone', { [GUEST]: swap('"02:30"', '"02:30 Europe/Berlin"') }, `${GUEST}:13`),
    seed(
      'a zone that fleet.nix has',
      {
        [BASE]: swap('"Europe/Berlin"', 'fleet.timeZone'),
        'fleet.nix': '{ timeZone = "Europe/Berlin"; }',
        [TF]: swap('"45 4 * * *"', '"30 2 * * *"'),
      },
      `${TF}:33`,
    ),
    near('every hour', tf('"45 4 * * *"', '"45 * * * *"')),
    near('half past three', tf('"45 4 * * *"', '"30 3 * * *"')),
    near('hosts by UTC', { [BASE]: swap('"Europe/Berlin"', '"UTC"'), [TF]: swap('"45 4 * * *"', '"30 2 * * *"') }),
    near('a zone without changes', host('systemd.timers.x.timerConfig.OnCalendar = "*-*-* 02:15:00 Asia/Tokyo";')),
    near('a boot timer', host('systemd.timers.x.timerConfig.OnBootSec = "02:15";')),
  ],
  'no-hypervisor-backups': [
    seed(
      'Incus’s pools',
      host('services.restic.backups.all.paths = [ "/var/lib/incus/storage-pools" ];'),
      `${HOST}:11`,
    ),
    seed('a guest’s data', host('services.borgbackup.jobs.x.paths = "/zpool/incus/custom";'), `${HOST}:11`),
    seed(
      'an export',
      host("systemd.services.x.script = ''\n    incus export home-vm /backup/home-vm.tar\n  '';"),
      `${HOST}:11`,
    ),
    seed(
      'an export of a volume, in a project',
      host('systemd.services.x.script = "incus --project home storage volume export local home-data /backup/x";'),
      `${HOST}:11`,
    ),
    near('more options than can be tried', host(`systemd.services.x.script = "incus${' --a'.repeat(60)} list";`)),
    near('an image', host('systemd.services.x.script = "incus image export debian";')),
    near('the host’s own', host('services.restic.backups.etc.paths = [ "/etc/nixos" ];')),
    near(
      'sent as ZFS',
      host('services.syncoid = { enable = true; commands."zpool/incus".target = "root@nuc-1:zpool/replicas"; };'),
    ),
    near('in the guest', { [GUEST]: insert('services.restic.backups.x.paths = [ "/srv/data" ];') }),
    near('another incus command', host("systemd.services.x.script = ''incus list'';")),
  ],
  'guest-made-keys': [
    seed(
      'none made',
      { 'guests/common.nix': swap('generateKey = true', 'generateKey = false') },
      'guests/common.nix:5',
    ),
    seed('one that is brought', { [GUEST]: insert('sops.age.keyFile = ./key.txt;') }, `${GUEST}:15`),
    seed('a key of ssh that is brought', { [GUEST]: insert('sops.age.sshKeyPaths = [ ./key ];') }, `${GUEST}:15`),
    near('a path in the guest', { [GUEST]: insert('sops.age.keyFile = "/etc/key.txt";') }),
  ],
  recipients: [
    seed(
      'a guest that is missing',
      { 'secrets/sops.yaml': swap('{ age: [*operator, *edge-vm] }', '{ age: [*operator, *edge-vm, *home-vm] }') },
      'secrets/edge.enc.yaml:2',
    ),
    seed(
      'one too many',
      { 'secrets/sops.yaml': swap('{ age: [*operator, *edge-vm] }', '{ age: [*edge-vm] }') },
      'secrets/edge.enc.yaml:2',
    ),
    seed('no rule', { 'secrets/sops.yaml': swap('^edge', '^other') }, 'secrets/edge.enc.yaml:2'),
    seed('a file that is not there', { 'secrets/edge.enc.yaml': undefined }, 'runbook.yaml:13'),
    seed('no rules at all', { 'secrets/sops.yaml': undefined }, 'runbook.yaml:13'),
    seed(
      'a guest without a key',
      { 'secrets/sops.yaml': (text) => text.replaceAll('edge-vm', 'edge') },
      'runbook.yaml:13',
    ),
    near('a rule for nothing yet', {
      'secrets/sops.yaml': (text) => `${text}  - path_regex: ^new\\.enc\\.yaml$\n    age: age1${'q'.repeat(58)}\n`,
    }),
  ],
  'no-shared-secrets': [
    seed(
      'two guests in runbook.yaml',
      fleet('[secrets/home.enc.yaml]', '[secrets/home.enc.yaml, secrets/edge.enc.yaml]'),
      'runbook.yaml:21',
    ),
    seed('two guests in Nix', { [GUEST]: swap('secrets/home.enc.yaml', 'secrets/edge.enc.yaml') }, `${GUEST}:7`),
    seed(
      'a host that reads a guest’s',
      {
        'secrets/sops.yaml': (text) =>
          text
            .replace('creation_rules', `  - &nuc-1 ${NUC}\ncreation_rules`)
            .replace('*operator, *edge-vm', '*operator, *edge-vm, *nuc-1'),
        'secrets/edge.enc.yaml': swap('sops:\n  age:\n', `sops:\n  age:\n    - recipient: ${NUC}\n      enc: x\n`),
      },
      'secrets/edge.enc.yaml:2',
    ),
    seed(
      'a file that two guests can decrypt',
      {
        'secrets/sops.yaml': swap('{ age: [*operator, *edge-vm] }', '{ age: [*operator, *edge-vm, *home-vm] }'),
        'secrets/edge.enc.yaml': swap('sops:\n  age:\n', `sops:\n  age:\n    - recipient: ${HOME}\n      enc: x\n`),
      },
      'secrets/edge.enc.yaml:2',
    ),
    near('a host’s own file', {
      'secrets/sops.yaml': (text) =>
        `${text.replace('creation_rules', `  - &nuc-1 ${NUC}\ncreation_rules`)}  - path_regex: ^nuc-1\\.enc\\.yaml$\n    age: *nuc-1\n`,
      'secrets/nuc-1.enc.yaml': `x: ENC[AES256_GCM,data:8s1d]\nsops:\n  age:\n    - recipient: ${NUC}\n      enc: x\n`,
    }),
    near('a file of its own', { [GUEST]: insert('sops.secrets.other.sopsFile = ../../secrets/home.enc.yaml;') }),
  ],
  'no-plaintext-secrets': [
    seed(
      'in Nix',
      { [GUEST]: insert('services.grafana.settings.security.admin_password = "hunter2";') },
      `${GUEST}:15`,
    ),
    seed('a first password', host('users.users.ada.initialPassword = "hunter2";'), `${HOST}:11`),
    seed(
      'in Terraform',
      {
        [TF]: (text) => `${text}\nprovider "incus" {\n  remote {\n    name  = "n"\n    token = "eyJjbGllbnQ"\n  }\n}\n`,
      },
      `${TF}:52`,
    ),
    seed('a default', { [TF]: (text) => `${text}\nvariable "db_password" {\n  default = "hunter2"\n}\n` }, `${TF}:50`),
    seed(
      'in tfvars',
      { 'infra/incus/nuc-1/x.auto.tfvars': 'api_token = "abcdef"\n' },
      'infra/incus/nuc-1/x.auto.tfvars:1',
    ),
    seed('in a compose file', { [YAML]: swap('${API_TOKEN}', 'abcdef') }, `${YAML}:6`),
    seed(
      'in a list of one',
      { [YAML]: swap('    environment:\n', '    x:\n      - DB_PASSWORD=hunter2\n    environment:\n') },
      `${YAML}:5`,
    ),
    seed(
      'in a URL',
      { [YAML]: swap('API_TOKEN: ${API_TOKEN}', 'API_URL: postgres://app:hunter2@db/app') },
      `${YAML}:6`,
    ),
    seed('a .env', { 'services/home/.env': 'A=1\nDB_PASSWORD=hunter2\n' }, 'services/home/.env:2'),
    seed('a state', { 'infra/incus/nuc-1/terraform.tfstate': '{}' }, 'infra/incus/nuc-1/terraform.tfstate:1'),
    seed('a file that was never encrypted', { 'secrets/edge.enc.yaml': 'cookie: x\n' }, 'secrets/edge.enc.yaml:1'),
    seed('in a list of Nix', { [GUEST]: insert('x.environment = [ "DB_PASSWORD=hunter2" ];') }, `${GUEST}:15`),
    seed('in a list of secrets', { [GUEST]: insert('x.apiTokens = [ "hunter2" ];') }, `${GUEST}:15`),
    seed(
      'in a text of several lines of Nix',
      { [GUEST]: insert("x.extraConfig = ''\n    user = ada\n    password = hunter2\n  '';") },
      `${GUEST}:17`,
    ),
    seed(
      'in a heredoc',
      { [TF]: (text) => `${text}\nlocals {\n  first = <<-EOT\n    #cloud-config\n    password: hunter2\n  EOT\n}\n` },
      `${TF}:52`,
    ),
    seed(
      'in a list of Terraform',
      { [TF]: (text) => `${text}\nlocals {\n  env = ["DB_PASSWORD=hunter2"]\n}\n` },
      `${TF}:50`,
    ),
    seed(
      'in a text of several lines of YAML',
      { [YAML]: swap('    environment:\n', '    x: |\n      a: b\n      token = hunter2\n    environment:\n') },
      `${YAML}:6`,
    ),
    ...[
      'secret_key_base',
      'DB_PASSWORD_2',
      'privateKeyPem',
      'tokenValue',
      'encryptionKey',
      'psk',
      'POSTGRES_PWD',
      'preSharedKey',
    ].map((name) => seed(`by the name ${name}`, { [GUEST]: insert(`x.${name} = "hunter2";`) }, `${GUEST}:15`)),
    seed('a hash of one', host('users.users.ada.hashedPassword = "$6$rounds=65536$abcdefgh$ijklmnop";'), `${HOST}:11`),
    seed('a hash of another form', host('users.users.ada.hashedPassword = "$y$j9T$abcdefgh$ijklmnop";'), `${HOST}:11`),
    seed('a hash of htpasswd', host('users.users.ada.hashedPassword = "$apr1$abcdefgh$ijklmnop";'), `${HOST}:11`),
    seed('a hash with its user', { [GUEST]: insert('x.basicAuth = "ada:$2b$12$abcdefghijklmnop";') }, `${GUEST}:15`),
    seed('what only looks like a variable', { [GUEST]: insert('x.password = "$ecret-99";') }, `${GUEST}:15`),
    near('a variable', { [GUEST]: insert('x.password = "$DB_PASSWORD";') }),
    near('how many tokens', { [GUEST]: insert('x.max_tokens = "4096"; x.tokenLimit = "9000";') }),
    near('a login that is off', host('users.users.ada.hashedPassword = "!";')),
    near('a secret of Home Assistant', { [YAML]: swap('${API_TOKEN}', '!secret api_token') }),
    near('names of secrets', {
      [YAML]: swap('    environment:\n', '    secrets:\n      - db_password\n    environment:\n'),
    }),
    near('a credential’s place', { [GUEST]: insert('x.serviceConfig.LoadCredential = [ "db:/run/secrets/db" ];') }),
    near('a program in a text', {
      [GUEST]: insert(
        "x.script = ''\n    token = os.environ[\"TOKEN\"]\n    TOKEN=$(cat /run/x)\n    password=\"$1\"\n    secret = args.secret\n    PASSWORD=''${P}\n    pass=${x}\n  '';",
      ),
    }),
    near('a file’s place', { [GUEST]: insert('services.x.passwordFile = "/run/secrets/x";') }),
    near('a path', { [GUEST]: insert('services.x.password = "/run/secrets/x";') }),
    near('a reference', {
      [TF]: (text) =>
        `${text}\nvariable "db_password" {\n  sensitive = true\n}\nlocals {\n  password = var.db_password\n}\n`,
    }),
    near('a switch', host('services.openssh.settings.PasswordAuthentication = false;')),
    near('a URL with a port', { [YAML]: swap('API_TOKEN: ${API_TOKEN}', 'API_URL: http://db:5432/x@y') }),
    near('an example', { 'services/home/.env.example': 'DB_PASSWORD=hunter2\n' }),
    near('an encrypted .env', {
      'services/home/secrets.env': 'DB_PASSWORD=ENC[AES256_GCM,data:x]\nsops_version=3.11.0\n',
    }),
  ],
  'no-private-keys': [
    seed('of age', { 'scripts/key.txt': `# made\nAGE-SECRET-KEY-1${'Q'.repeat(58)}\n` }, 'scripts/key.txt:2'),
    seed(
      'of ssh',
      { 'scripts/id': `-----BEGIN OPENSSH ${PRIVATE_KEY}-----\n${'b3BlbnNzaC1rZXk'.repeat(4)}\n` },
      'scripts/id:1',
    ),
    seed(
      'of TLS, in Nix',
      host(`security.x.key = ''\n-----BEGIN ${PRIVATE_KEY}-----\n${'MIIEvQIBADANBg'.repeat(4)}\n'';`),
      `${HOST}:12`,
    ),
    ...[
      ['of WireGuard', `PrivateKey = ${'a'.repeat(42)}E=`],
      ['of GitHub', `ghp_${'a'.repeat(36)}`],
      ['of GitLab', `glpat-${'a'.repeat(20)}`],
      ['of AWS', `AKIA${'A'.repeat(16)}`],
      ['of Tailscale', `tskey-auth-${'k'.repeat(8)}-${'a'.repeat(20)}`],
    ].map(([whose = '', key = '']) => seed(whose, { 'scripts/key.txt': `\n${key}\n` }, 'scripts/key.txt:2')),
    near('its name in a script', { 'scripts/find.sh': 'grep -- "-----BEGIN PRIVATE KEY-----" "$1"\n' }),
    near('a placeholder', { 'README.md': 'It looks like `AGE-SECRET-KEY-1…`.\n' }),
    near('a public key', { 'scripts/ca.pem': `-----BEGIN CERTIFICATE-----\n${'MIIEvQIBADANBg'.repeat(4)}\n` }),
  ],
  'no-credentials-downward': [
    seed(
      'a login to Loki',
      { 'host/common/monitoring.nix': swap('push"; } ]', 'push"; basic_auth.password_file = "/etc/loki"; } ]') },
      'host/common/monitoring.nix:8',
    ),
    seed('a secret on a host', host('sops.secrets.loki = { };'), `${HOST}:11`),
    seed('by the environment', tf('"limits.cpu"           = "2"', '"environment.DB_PASSWORD" = var.db'), `${TF}:31`),
    seed(
      'by the first boot',
      tf('file("${path.module}/first-boot.yaml")', 'templatefile("x.yaml", { p = var.db_password })'),
      `${TF}:35`,
    ),
    seed(
      'in a text of it',
      tf('file("${path.module}/first-boot.yaml")', '"#cloud-config\\nx: ${var.api_token}"'),
      `${TF}:35`,
    ),
    seed(
      'a key as a file',
      tf(
        '  device {',
        '  file {\n    content     = file("key.txt")\n    target_path = "/var/lib/sops-nix/key.txt"\n  }\n\n  device {',
      ),
      `${TF}:38`,
    ),
    near('a push by address alone', { 'host/common/monitoring.nix': swap(':3100', ':3101') }),
    near('what is no secret', tf('"limits.cpu"           = "2"', '"environment.TZ" = "UTC"')),
    near(
      'another file',
      tf('  device {', '  file {\n    content     = "x"\n    target_path = "/etc/motd"\n  }\n\n  device {'),
    ),
    near('a secret in a guest', { [GUEST]: insert('sops.secrets.more = { };') }),
  ],
  readable: [
    seed('Nix', { [GUEST]: swap('sopsFile = ', 'sopsFile ') }, `${GUEST}:7`),
    seed('HCL', { 'infra/incus/nuc-1/x.tf': 'locals {\n  a = [1,\n}\n' }, 'infra/incus/nuc-1/x.tf:2'),
    seed('YAML', { [YAML]: swap('services:\n', 'services: [\n') }, `${YAML}:3`),
    seed('a key that is there twice', { [YAML]: swap('    image:', '    image: x\n    image:') }, `${YAML}:4`),
    ...['[ ', '{ a = ', '('].map((open) =>
      seed(`ten thousand times ${open}`, { 'services/deep.nix': open.repeat(10_000) }, 'services/deep.nix:1'),
    ),
    seed(
      'deep HCL',
      { 'infra/incus/nuc-1/x.tf': `locals {\n  a = ${'['.repeat(10_000)}${']'.repeat(10_000)}\n}\n` },
      'infra/incus/nuc-1/x.tf:2',
    ),
    ...['[', '{a: ', '- '].map((open) =>
      seed(`ten thousand times ${open} in YAML`, { [YAML]: open.repeat(10_000) }, `${YAML}:1`),
    ),
    near('Windows’ ends of lines, and a mark of the order of bytes', {
      [GUEST]: (text) => `\ufeff${text.replaceAll('\n', '\r\n')}`,
      [TF]: (text) => `\ufeff${text.replaceAll('\n', '\r\n')}`,
      [YAML]: (text) => `\ufeff${text.replaceAll('\n', '\r\n')}`,
    }),
    near('a comma behind the last argument', { [GUEST]: swap('{ config, ... }:', '{ config, lib ? null, }:') }),
    near('and without a default', { [GUEST]: swap('{ config, ... }:', '{ config, lib, }:') }),
    near('a heredoc', { 'infra/incus/nuc-1/x.tf': 'locals {\n  a = <<-EOT\n    {{ ${var.x} ]\n  EOT\n}\n' }),
  ],
};

describe('a monorepo as the reference wants it', () => {
  it('has nothing to find', async () => {
    expect(await found({})).toEqual([]);
  });

  it.each(RULES.filter((rule) => !SUPPRESSION_RULES.includes(rule)).map(({ id }) => id))(
    'has violations and near misses of %s',
    (id) => {
      expect(CASES[id]?.some(({ at }) => at.length > 0)).toBe(true);
      expect(CASES[id]?.some(({ at }) => at.length === 0)).toBe(true);
    },
  );
});

describe.each(Object.entries(CASES))('%s', (rule, cases) => {
  it.each(cases.map((each) => [each.at.length > 0 ? 'finds' : 'leaves alone', each.what, each] as const))(
    '%s %s',
    async (_verb, _what, { changes, at }) => {
      const all = await found(changes);
      if (at.length === 0) expect(all).toEqual([]);
      else expect(all.filter((each) => each.startsWith(`${rule} `))).toEqual(at.map((place) => `${rule} ${place}`));
    },
  );
});
