import { hostFiles } from '../monorepo.ts';
import { isOn } from '../nix-options.ts';
import type { NixSetting } from '../parse/nix.ts';
import type { Rule } from '../rule.ts';
import { hostApplications } from './host-applications.ts';
import { hostContainers } from './host-containers.ts';
import { hostDatabases } from './host-databases.ts';
import { hostMonitoring } from './host-monitoring.ts';
import { hostProxies } from './host-proxies.ts';

/** Networking, time, hardware, logins, and the agents that describe the host. */
const ALLOWED = new Set(
  `openssh sshd chrony timesyncd ntp ntpd-rs openntpd automatic-timezoned zfs fstrim smartd fwupd thermald tlp auto-cpufreq
   power-profiles-daemon promtail alloy fluent-bit vector resolved avahi udev logind journald journald-upload lldpd
   tailscale zerotierone netbird fail2ban sshguard endlessh getty acpid irqbalance upower logrotate dbus nscd
   kmscon earlyoom throttled hardware iperf3 networkd-dispatcher frr bird bird2 keepalived dnsmasq unbound kea ddclient
   radvd xserver libinput fprintd pcscd tcsd hddfancontrol thinkfan nut upsd apcupsd btrfs lvm multipath iscsid target
   dhcpcd wpa_supplicant hostapd usbguard auditd osquery scrutiny cron atd sanoid syncoid zrepl znapzend restic borgbackup
   borgmatic sysstat envfs gpm rngd haveged opensnitch nix-serve-client blueman pipewire printing speechd orca
   userborn swapspace zram-generator`.split(/\s+/),
);

export const hostServicesKnown: Rule = {
  id: 'host-services-known',
  title: 'A host runs only what is for a host',
  section: '§4',
  severity: 'warning',
  why: 'Allowed on a host are Incus, ZFS, networking, node_exporter, promtail, and ssh, users, time and hardware.',
  whatToDo: 'Move it into a guest. Where it is for the host itself, say so: # runbook-ignore host-services-known: why.',
  check: (repo) => {
    const others = [hostApplications, hostContainers, hostDatabases, hostMonitoring, hostProxies];
    const told = new Set(others.flatMap((rule) => rule.check(repo)).map(({ file, at }) => `${file} ${at.start}`));
    return hostFiles(repo).flatMap(({ path, settings }) =>
      settings
        .filter((setting) => isUnknown(setting) && !told.has(`${path} ${setting.start}`))
        .map((setting) => ({
          file: path,
          at: setting,
          message: `${setting.path.join('.')}: not among the services that a host is for.`,
        })),
    );
  },
};

function isUnknown(setting: NixSetting): boolean {
  const path = setting.path[0] === 'config' ? setting.path.slice(1) : setting.path;
  const [root, name = ''] = path;
  if (root !== 'services' || path.at(-1) !== 'enable' || path.length !== 3) return false;
  return !ALLOWED.has(name) && !isInExporters(path) && isOn(setting);
}

const isInExporters = (path: readonly string[]): boolean => path[1] === 'prometheus' && path[2] === 'exporters';
