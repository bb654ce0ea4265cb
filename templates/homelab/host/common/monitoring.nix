# The host shows its metrics and its journal, and guests come and read them: it knows no address and no password of a
# guest. Promtail, which sent logs from here, has reached its end and is no part of NixOS any more; what it did is done by
# services/metrics/logs.nix in the guest.
{ fleet, lib, ... }:
{
  services.prometheus.exporters.node = {
    enable = true;
    enabledCollectors = [ "systemd" ];
  };
  services.journald.gateway.enable = true;

  # Only for guests that collect.
  networking.firewall.extraInputRules = lib.mkIf (fleet.monitoring != [ ]) ''
    ip saddr { ${lib.concatStringsSep ", " fleet.monitoring} } tcp dport { 9100, 19531 } accept
  '';
}
