{
  boot.supportedFilesystems = [ "zfs" ];
  boot.zfs.extraPools = [ "zpool" ];
  services.zfs.autoScrub = {
    enable = true;
    interval = "Sun *-*-* 04:30:00";
  };
  # The member's own identity, not what its guests keep.
  services.restic.backups.identity = {
    paths = [
      "/etc/ssh"
      "/var/lib/incus/server.crt"
    ];
    timerConfig.OnCalendar = "*-*-* 04:45:00";
  };
}
