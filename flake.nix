{
  description = "Durable operations for people who run their own machines: NixOS, ZFS and Incus procedures as Temporal workflows.";

  # No inputs: the module takes its programs from the nixpkgs of whoever imports it.
  outputs =
    { self }:
    {
      nixosModules.default = import ./nixos/module.nix;
    };
}
