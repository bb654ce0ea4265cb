import { z } from 'zod';

/** One entry of `inspect`: podman 5 has `ImageName`, docker 26 the reference in `Config.Image`. */
export const containersSchema = z.array(
  z.object({
    Name: z.string(),
    Image: z.string(),
    ImageName: z.string().optional(),
    Config: z.object({ Image: z.string().optional(), Labels: z.record(z.string(), z.string()).nullish() }),
  }),
);
export type InspectedContainer = z.output<typeof containersSchema>[number];

/** podman 5 has `Digest`; docker 26 only `RepoDigests`, empty for an image that was built or loaded here. */
export const imagesSchema = z.array(
  z.object({ Id: z.string(), Digest: z.string().optional(), RepoDigests: z.array(z.string()).nullish() }),
);
export type InspectedImage = z.output<typeof imagesSchema>[number];

/** Which image a container was made from. The id alone is certain: the name may point to another image by now. */
export interface ContainerImage {
  /** The reference that it is pulled by: `registry/name:tag`. */
  imageName: string;
  /** Of the local image, as the engine takes it. */
  imageId: string;
  /** As the registry knows it; absent for an image that was never pulled. */
  digest?: string;
}

export function imageNameOf(container: InspectedContainer): string {
  return container.ImageName ?? container.Config.Image ?? container.Image;
}

export function digestOf({ Digest, RepoDigests }: InspectedImage): { digest?: string } {
  const digest = Digest ?? RepoDigests?.[0]?.split('@')[1];
  return digest === undefined || digest === '' ? {} : { digest };
}

/** The engine's words for an object that is not there. */
export function saysMissing(stderr: string): boolean {
  return /no such (?:container|image|object)|image not known|no container with name or ID/i.test(stderr);
}
