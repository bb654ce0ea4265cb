# The journal of every host, fetched from its gateway and given to Loki. Each unit goes on behind the last entry that it
# has, so neither a restart here nor one of the host loses any.
{
  fleet,
  lib,
  pkgs,
  ...
}:
let
  folder = "/srv/metrics/journal";

  fetch = pkgs.writeShellApplication {
    name = "fetch-journal";
    runtimeInputs = [
      pkgs.curl
      pkgs.systemd
    ];
    text = builtins.readFile ./fetch-journal.sh;
  };

  unit =
    host: address:
    lib.nameValuePair "fetch-journal-${host}" {
      description = "Journal of ${host}";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      unitConfig.RequiresMountsFor = folder;
      environment.JOURNAL_REMOTE = "${pkgs.systemd}/lib/systemd/systemd-journal-remote";
      serviceConfig = {
        ExecStart = "${lib.getExe fetch} http://${address}:19531 ${folder}/${host}.journal";
        User = "fetch-journal";
        Group = "systemd-journal";
        UMask = "0027";
        Restart = "always";
        RestartSec = "30s";
      };
    };
in
{
  users.users.fetch-journal = {
    isSystemUser = true;
    group = "systemd-journal";
  };
  systemd.tmpfiles.rules = [ "d ${folder} 2750 fetch-journal systemd-journal -" ];
  systemd.services = lib.mapAttrs' unit fleet.members;

  services.alloy = {
    enable = true;
    extraFlags = [ "--disable-reporting" ];
  };
  environment.etc."alloy/config.alloy".source = ./config.alloy;
}
