/** What a person types on a member; it also lets a frozen instance go on (Incus 6). */
export const startInstance = (name: string, project: string): string =>
  `incus start ${project === 'default' ? '' : `--project ${project} `}${name}`;
