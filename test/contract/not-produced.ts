/** Patterns of tools/ that are held against something else than a program's answer, with what that is. */
export const NO_ANSWERS: ReadonlyMap<string, string> = new Map([
  [String.raw`^exit (\S+) (\S+) (\S+)$`, 'what the script of a transfer prints itself'],
  [String.raw`^step (\d+) sent (\d\d):(\d\d):(\d\d) (\d+) (\S+)$`, 'what the script of a transfer prints itself'],
  [String.raw`^check (\d+)$`, 'what the script of a comparison prints itself'],
  [String.raw`^entries (\d+)$`, 'what the script of a comparison prints itself'],
  [String.raw`^compared (\d+) of (\d+) (\d+)$`, 'what the script of a comparison prints itself'],
  ['^0x[0-9a-f]+$', 'a number in a line of a token'],
  ['^(?:canary|cancel)-[0-9a-z]{32}$', 'the names of files that `find` has found'],
  [String.raw`:\/\/[^/@\s]*:[^/@\s]*@`, 'the address of a repository'],
  [String.raw`^[╷╵│][ \t]?`, 'the frame around an error, whose lines begin with a colour where it is drawn'],
  [String.raw`^(\S+) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d* \+0000 UTC$`, 'the time in a lock, which is a line of its text'],
  [String.raw`"message_type":"exit_error".*"message":("(?:[^"\\]|\\.)*")`, 'its alternatives are characters'],
]);

const NIXOS =
  'the lab’s hosts are no NixOS: src/main.rs of switch-to-configuration-ng and switch-to-configuration.pl, nixpkgs';
const BREAKS = 'a connection that breaks at a certain moment, which the suites of deployments in test/lab make it do: ';
const OTHER_VERSION = 'another version than the lab’s says so: ';
const ONE_MOMENT = 'only where two things meet at one moment; the text is in the program: ';
const KILLED =
  'where a daemon is killed within some milliseconds of a join; so it was on real hosts, test/lab/cluster-bootstrap.test.ts: ';
const LEAVING =
  'where a daemon is killed within some milliseconds of its leaving; so it was on real hosts, test/lab/member-remove.test.ts: ';

/** What real programs say that no scenario of the lab makes them say: why not, and where it is known from. */
export const NOT_PRODUCED: Readonly<Record<string, string>> = {
  [String.raw`\b(?:would NOT (?:stop)) the following changed units?: (.+)$`]: NIXOS,
  [String.raw`\b(?:would NOT (?:restart)) the following changed units?: (.+)$`]: NIXOS,
  [String.raw`\b(?:NOT restarting) the following changed units?: (.+)$`]: NIXOS,
  [String.raw`\b(?:would stop) the following units?: (.+)$`]: NIXOS,
  [String.raw`\b(?:stopping) the following units?: (.+)$`]: NIXOS,
  [String.raw`\b(?:would start) the following units?: (.+)$`]: NIXOS,
  [String.raw`\b(?:starting) the following units?: (.+)$`]: NIXOS,
  [String.raw`\b(?:would reload) the following units?: (.+)$`]: NIXOS,
  [String.raw`\b(?:reloading) the following units?: (.+)$`]: NIXOS,
  'warning: the following units? failed: (.+)$': NIXOS,
  [String.raw`(?:would restart) systemd(?:\.\.\.)?\s*$`]: NIXOS,
  [String.raw`(?:restarting) systemd(?:\.\.\.)?\s*$`]: NIXOS,
  [String.raw`already locked:\s+ID=(\S+)`]:
    'of a backend on the network, which no scenario has; test/lab/terraform.test.ts meets it: remote-state/http of Terraform 1.5',
  'no such (?:object)': `${OTHER_VERSION}docker’s \`inspect\` without a type`,
  'no container with name or ID': `${OTHER_VERSION}podman 4`,
  [String.raw`Connection (?:to \S+ )?(?:closed) by `]: `${BREAKS}packet.c, OpenSSH`,
  [String.raw`Connection (?:to \S+ )?(?:reset) by `]: `${BREAKS}packet.c, OpenSSH`,
  'client_loop: send disconnect': `${BREAKS}clientloop.c, OpenSSH`,
  'Timeout, server .* not responding': `${BREAKS}clientloop.c, OpenSSH`,
  [String.raw`SSH (?:activation) command .*resulted in a bad exit status: exit status: 255\.`]: `${BREAKS}ssh(1)`,
  [String.raw`SSH (?:wait) command .*resulted in a bad exit status: exit status: 255\.`]: `${BREAKS}ssh(1)`,
  'over SSH resulted in a bad exit': `${BREAKS}src/deploy.rs, deploy-rs 1.0.0`,
  '^fatal: (?:bad revision)': `${OTHER_VERSION}git before 2.30, builtin/rev-parse.c`,
  '^Cluster member is already (?:in requested state)$': `${ONE_MOMENT}incusd 7.0.2`,
  'Instance is busy running a "?[^"]+"? operation': `${ONE_MOMENT}incusd 6.0.4 and 7.0.2`,
  '(?:Daemon) is shutting down': `${ONE_MOMENT}incusd 6.0.4`,
  '(?:Incus) is shutting down': `${ONE_MOMENT}incusd 7.0.2`,
  'websocket: close 1006': `${KILLED}incusd 6.0.4`,
  'connection refused$': `${KILLED}incusd 6.0.4`,
  'connection reset by peer$': `${KILLED}incusd 6.0.4`,
  ': connection reset by peer$': `${KILLED}incusd 6.0.4`,
  'Operation not found$': `${KILLED}incusd 6.0.4`,
  ': Unable to connect to: ': `${LEAVING}incusd 6.0.4`,
  '^Failed to cleanup the member: ': `${LEAVING}incusd 6.0.4`,
  [String.raw`: (?:no mount point specified)\.?$`]: `${OTHER_VERSION}umount of util-linux where the folder is gone, sys-utils/umount.c`,
  '^Failed to connect to .*bus': `${ONE_MOMENT}systemctl 257, in a guest that has only begun to boot`,
  'no available cowsql leader server found': `${ONE_MOMENT}incusd 6.0.4; seen where a member came back to one other`,
  '^The (?:container) is already running$': `${OTHER_VERSION}Incus before 6.0`,
  '^The (?:container) is already stopped$': `${OTHER_VERSION}Incus before 6.0`,
  '^Snapshot "[^"]*" already (?:exists)$': `${OTHER_VERSION}Incus 7.3, internal/server/instance`,
  '(?:^|: )(?:Instance snapshot) not found$': `${OTHER_VERSION}Incus 7.3, internal/server/db`,
  '(?:^|: )(?:Storage pool volume snapshot) not found$': `${OTHER_VERSION}Incus 7.3, internal/server/db`,
  "Cannot build '": `${OTHER_VERSION}nix 2.30, src/libstore/build/derivation-goal.cc`,
  'No supported authentication': `${OTHER_VERSION}ssh of another origin than OpenSSH 9, which has no such text`,
  'Bad (?:owner or permissions)': 'it would have to be the configuration of the user who tests: readconf.c, OpenSSH',
  'exit code 80 of tools/drill-compare.ts': 'the script’s own: test/tools/drill-compare.test.ts',
  'exit code 129 of tools/incus-exec.ts': 'of virtual machines whose agent goes; in the lab’s containers it is 137',
  'exit code 255 of tools/incus-exec.ts': `${ONE_MOMENT}where the operation fails that is under way, the client ends with −1`,
};
