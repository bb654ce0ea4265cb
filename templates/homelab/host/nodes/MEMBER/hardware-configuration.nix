# In place of this file belongs what the machine says of itself:
#   ssh root@@address@ nixos-generate-config --show-hardware-config
# Until then nothing can be built for it: NixOS says that 'fileSystems' does not specify a root file system.
{ lib, modulesPath, ... }:
{
  imports = [ (modulesPath + "/installer/scan/not-detected.nix") ];

  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
}
