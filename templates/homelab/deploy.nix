# What deploy-rs deploys where: every host and every guest, by its address.
{
  self,
  deploy-rs,
  fleet,
}:
let
  node =
    name: address:
    let
      machine = self.nixosConfigurations.${name};
      inherit (machine.pkgs.stdenv.hostPlatform) system;
    in
    {
      hostname = address;
      sshUser = "root";
      profiles.system = {
        user = "root";
        path = deploy-rs.lib.${system}.activate.nixos machine;
      };
    };
in
{
  # A machine that cannot be reached after its activation goes back by itself.
  magicRollback = true;
  autoRollback = true;
  nodes = builtins.mapAttrs node (fleet.members // fleet.guests);
}
