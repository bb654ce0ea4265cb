import { hostRule } from './host-families.ts';

export const hostContainers = hostRule(
  {
    switched: ['docker', 'docker.rootless', 'podman', 'containerd', 'cri-o', 'lxd'].map(
      (name) => `virtualisation.${name}`,
    ),
    always: [
      'virtualisation.oci-containers.containers.*',
      'virtualisation.quadlet.containers.*',
      'virtualisation.arion.projects.*',
      'containers.*',
    ],
  },
  {
    id: 'no-host-containers',
    title: 'No application containers on a host',
    section: '§4',
    noun: 'containers',
    why: 'Containers are run by guests: a host that runs them cannot be emptied, upgraded or replaced without their owners.',
    whatToDo: 'Run the container in a guest; its definition belongs in services/.',
  },
);
