{ pkgs, ... }:
{
  virtualisation.incus = {
    enable = true;
    package = pkgs.incus-lts;
  };
  networking.nftables.enable = true;
}
