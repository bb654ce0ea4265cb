import { RULES } from './registry.ts';

const INTRODUCTION = `# Check

\`runbook check\` holds your monorepo to the reference architecture: every mistake in \`runbook.yaml\`
([configuration](configuration.md)), and everything in the Nix, Terraform and YAML files beside it that crosses one of the
architecture’s boundaries. Each finding has its place, why it is one, and what to do:

\`\`\`
infra/incus/nuc-1/home.tf:9:1  error  no-implicit-placement: incus_instance "home-vm" has no target.
   8 |
   9 | resource "incus_instance" "home" {
     | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   Instances are placed explicitly: without a target Incus chooses a member for you, and a volume may come to be on another
   member than its instance. (reference §8) Add target = "nuc-1".
1 problem in 41 files
\`\`\`

It asks no server and no host, needs no \`nix\` and no \`terraform\`, and evaluates nothing: files are parsed, and what is
computed in them (\`enable = cfg.proxy\`, \`target = var.member\`) is taken for what it may be. Options are found however they are
nested, under \`mkIf\`, \`mkMerge\` and \`//\`; locals, and variables with what \`terraform.tfvars\` and \`*.auto.tfvars\` give them or else
their defaults, are followed within their folder. A host is what is in \`host/\`, the modules that \`flake.nix\` puts together to a
member or takes with a file of \`host/\`, and what all these import from elsewhere.

Looked at are the files that git has, or would take: not what \`.gitignore\` names. Without a repository it is the folders of the
layout. Where there is only \`runbook.yaml\`, that is what is checked.

Exit code 0: nothing, or warnings alone. 2: something is to be corrected. \`--json\` prints [one value](cli.md#check), \`--sarif\`
a log of SARIF 2.1.0.`;

const IGNORE = `## Leaving something as it is

A comment with the rule and the reason, on the line or on the line before, in Nix, HCL and YAML:

\`\`\`nix
# runbook-ignore no-host-proxies: the installer's page, reachable from the management network alone
services.nginx.enable = true;
\`\`\`

Without a reason it counts for nothing and is a finding itself, and so is one that ignores nothing any more.`;

const USE = `## Before each commit, and in CI

As a hook of git, \`.git/hooks/pre-commit\`, executable. \`--staged\` looks at what the commit would have, whatever the work tree
holds:

\`\`\`sh
#!/bin/sh
exec runbook check --staged
\`\`\`

In CI, on a forge that takes Actions of GitHub's form:

\`\`\`yaml
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - run: runbook check
      # Shows findings beside the lines of a pull request.
      - run: runbook check --sarif > check.sarif
        if: always()
      - uses: github/codeql-action/upload-sarif@v4
        if: always()
        with: { sarif_file: check.sarif }
\`\`\``;

const LIMITS = `## What it does not see

What only evaluation knows: an option that a module of somebody else switches on, a name that a function makes up, \`for_each\`
over what a variable holds. Terraform's JSON form (\`.tf.json\`) and files over one megabyte are not read. And it looks at what is
declared; what is, on the hosts, is asked by [\`runbook doctor\`](cli.md#runbook-doctor) and the gates of each run.`;

/** docs/check.md as Markdown, from the rules. */
export const rulesPage = (): string =>
  [
    INTRODUCTION,
    '## Rules',
    `The section is that of the reference architecture. Unless said otherwise a finding is an error.`,
    [
      '| rule | section | why | what to do |',
      '| --- | --- | --- | --- |',
      ...RULES.map(
        ({ id, title, section, severity, why, whatToDo }) =>
          `| \`${id}\` ${title}${severity === 'warning' ? ' (a warning)' : ''} | ${section} | ${cell(why)} | ${cell(whatToDo)} |`,
      ),
    ].join('\n'),
    IGNORE,
    USE,
    LIMITS,
    '',
  ].join('\n\n');

/** What Markdown would take for a tag or a column. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<');
