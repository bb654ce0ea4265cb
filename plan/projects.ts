/** As a person reads it: what is in the project `default` goes without it. */
export const inProject = ({ project, name }: { project: string; name: string }): string =>
  project === 'default' ? name : `${project}/${name}`;

/** As Incus calls the dataset or folder of an instance. A custom volume's has its project always. */
export const instanceOnDisk = ({ project, name }: { project: string; name: string }): string =>
  project === 'default' ? name : `${project}_${name}`;
