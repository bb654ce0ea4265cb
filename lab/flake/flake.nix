{
  # Systems without nixpkgs: one plain derivation per node, described by spec.json, with the same outside as NixOS's.
  outputs =
    { self }:
    let
      spec = builtins.fromJSON (builtins.readFile ./spec.json);
      builder = name: attributes:
        derivation ({
          inherit name;
          inherit (spec) system;
          builder = "/bin/sh";
          PATH = "/usr/bin:/bin";
        } // attributes);
      # As on NixOS these are store paths of their own: "does this need a reboot" compares them.
      part = name: builder name { args = [ "-c" "echo ${name} > $out" ]; };
      incus = version: builder "incus-${version}" {
        args = [ "-c" "mkdir -p $out && ln -s ${if version == spec.incus then "/usr" else "/opt/incus-${version}/usr"} $out/usr" ];
      };
      system = node: s: builder "nixos-system-${node}-${s.version}" {
        args = [ ./build.sh ];
        activateRs = ./activate-rs;
        switchToConfiguration = ./switch-to-configuration;
        health = ./health;
        inherit node;
        inherit (s) type version app hook firewall;
        healthy = if s.healthy then "true" else "false";
        kernel = part "linux-${s.kernel}";
        initrd = part "initrd-linux-${s.kernel}";
        modules = part "kernel-modules-${s.kernel}";
        incus = if s.type == "host" then incus s.incus else "";
      };
    in
    {
      deploy = {
        sshUser = "root";
        nodes = builtins.mapAttrs (node: s: {
          hostname = s.address;
          profiles.system = {
            user = "root";
            path = system node s;
          };
        }) spec.nodes;
      };
    };
}
