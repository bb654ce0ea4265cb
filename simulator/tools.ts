import type { Tools } from './core/runner.ts';
import { incus } from './incus/incus.ts';
import { incusJoins } from './incus/joining.ts';
import { activateRs } from './nix/activate-rs.ts';
import { deploy } from './nix/deploy.ts';
import { nixEnv } from './nix/nix-env.ts';
import { nixStore } from './nix/nix-store.ts';
import { nix, nixOfMachine } from './nix/nix.ts';
import { deployRsActivate, switchToConfiguration } from './nix/switch-to-configuration.ts';
import { curl } from './guests/curl.ts';
import { engine } from './guests/engine.ts';
import { ageKeygen } from './hosts/age-keygen.ts';
import { age } from './hosts/age.ts';
import { lsblk, zdb } from './hosts/disks.ts';
import { git } from './hosts/git.ts';
import { installMember } from './hosts/installer.ts';
import { connect, getent, ip, umount } from './hosts/network.ts';
import { date, df, id, zfs, zpool } from './hosts/small-tools.ts';
import { sops } from './hosts/sops.ts';
import { zfsSends } from './hosts/zfs-send.ts';
import { ssh } from './ssh.ts';
import { systemctl } from './systemd/systemctl.ts';
import { systemdRun, unitEnded } from './systemd/transient.ts';
import { mount, unshare } from './hosts/mount.ts';
import { pgrep } from './hosts/pgrep.ts';
import { restic } from './restic/restic.ts';
import { terraform, terraformApplies } from './terraform/terraform.ts';

/** Every program that the simulation itself plays. What else is in a machine's `bin` is the real one. */
export const TOOLS: Tools = {
  worker: {
    ...{ age, git, sops, ssh, nix, 'nix-store': nixStore, deploy, 'install-member': installMember },
    ...{ terraform, tofu: terraform, '.terraform-applies': terraformApplies },
  },
  machine: {
    age,
    'age-keygen': ageKeygen,
    incus,
    '.incus-joins': incusJoins,
    '.connect': connect,
    getent,
    ip,
    umount,
    systemctl,
    'systemd-run': systemdRun,
    '.unit-ended': unitEnded,
    date,
    df,
    id,
    lsblk,
    zdb,
    zpool,
    zfs,
    '.zfs-sends': zfsSends,
    ssh,
    curl,
    podman: engine,
    docker: engine,
    pgrep,
    restic,
    mount,
    unshare,
    'nix-env': nixEnv,
    'nix-store': nixStore,
    nix: nixOfMachine,
    'activate-rs': activateRs,
    'deploy-rs-activate': deployRsActivate,
    'switch-to-configuration': switchToConfiguration,
  },
};
