import type { HclFile, Monorepo, NixFile, YamlSource } from '../monorepo.ts';
import { isAt, isOn } from '../nix-options.ts';
import type { Rule, Violation } from '../rule.ts';

const OPTIONS = ['k3s', 'rke2', 'kubernetes', 'k0s', 'nomad', 'mesos-master', 'microk8s', 'kubeadm'].map(
  (name) => `services.${name}`,
);
const RESOURCES = /^(?:kubernetes|kubectl|helm|nomad|k3s|rke|rancher2|docker_service)(?:_|$)/;
const WORDS = ['placement', 'replicas', 'mode', 'update_config', 'rollback_config', 'endpoint_mode'];

export const noOrchestrator: Rule = {
  id: 'no-orchestrator',
  title: 'No orchestrator places workloads',
  section: '§1',
  severity: 'error',
  why: 'Kubernetes, Nomad and Swarm decide by themselves where something runs. Here every placement is written down, and a person can read where everything is.',
  whatToDo: 'Run the containers by systemd or compose in the guest that is to have them.',
  check: (repo) => [...repo.nix.flatMap(inNix), ...repo.hcl.flatMap(inHcl), ...ofYaml(repo)],
};

const inNix = ({ path: file, settings }: NixFile): Violation[] =>
  settings.flatMap((setting) => {
    const option = OPTIONS.find((each) => isAt(setting, each));
    const isSwitch =
      option !== undefined && (setting.path.at(-1) === 'enable' || isAt(setting, 'services.kubernetes.roles'));
    if (isSwitch && isOn(setting))
      return [{ file, at: setting, message: `${setting.path.join('.')} brings an orchestrator.` }];
    const { value } = setting;
    return value.type === 'string' && /\bdocker\s+(?:swarm\s+(?:init|join)|stack\s+deploy)\b/.test(value.value)
      ? [{ file, at: setting, message: `${setting.path.join('.')} uses Docker’s swarm mode.` }]
      : [];
  });

const inHcl = ({ path: file, root }: HclFile): Violation[] =>
  root.blocks.flatMap((block) => {
    const { type, labels } = block;
    const [first = ''] = labels;
    const isOne = (type === 'resource' || type === 'data' || type === 'provider') && RESOURCES.test(first);
    const isJob = type === 'job' && block.blocks.some((inner) => inner.type === 'group' || inner.type === 'task');
    return isOne || isJob ? [{ file, at: block, message: `${type} "${first}" is of an orchestrator.` }] : [];
  });

const ofYaml = ({ yaml, fleetFile }: Monorepo): Violation[] =>
  yaml.filter(({ path }) => path !== fleetFile).flatMap((file) => [...manifests(file), ...swarm(file)]);

/** Objects of Kubernetes: both keys at the top of a document. */
function manifests({ path: file, settings }: YamlSource): Violation[] {
  const top = (name: string) =>
    settings.filter(({ path, value }) => path.length === 1 && path[0] === name && value !== undefined);
  const [kinds, versions] = [top('kind'), top('apiVersion')];
  const isManifest = versions.some(({ value = '' }) => /^(?:[a-z0-9.-]+\/)?v\d+(?:(?:alpha|beta)\d+)?$/.test(value));
  return isManifest ? kinds.map((at) => ({ file, at, message: `A manifest of Kubernetes (${at.value ?? ''}).` })) : [];
}

/** `deploy` of a compose file is read by swarm alone, but for resources and restart_policy. */
const swarm = ({ path: file, settings }: YamlSource): Violation[] =>
  settings
    .filter(
      ({ path, value }) =>
        path.length === 4 &&
        path[0] === 'services' &&
        path[2] === 'deploy' &&
        WORDS.includes(path[3] ?? '') &&
        !(path[3] === 'replicas' && value === '1'),
    )
    .map((at) => ({ file, at, message: `${at.path.join('.')} has Docker’s swarm mode place the service.` }));
