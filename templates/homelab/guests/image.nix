# What a guest is made of: enough for its first deployment. Name and address come from cloud-init, all else from
# guests/<guest>.
{ fleet, modulesPath, ... }:
{
  imports = [ (modulesPath + "/virtualisation/incus-virtual-machine.nix") ];

  nixpkgs.hostPlatform = "x86_64-linux";

  # Empty, so that cloud-init sets it.
  networking.hostName = "";
  services.cloud-init = {
    enable = true;
    network.enable = true;
  };

  services.openssh = {
    enable = true;
    settings.PasswordAuthentication = false;
  };
  users.users.root.openssh.authorizedKeys.keys = fleet.sshKeys;

  system.stateVersion = "@release@";
}
