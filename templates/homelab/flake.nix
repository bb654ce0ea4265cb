{
  description = "Hosts and guests of @name@";

  inputs = {
    # Hosts and guests are of one release. The next one is another line here, then nix flake update.
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-@release@";
    # These two have no branches of releases; flake.lock holds them to a commit.
    deploy-rs = {
      url = "github:serokell/deploy-rs";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    sops-nix = {
      url = "github:Mic92/sops-nix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      deploy-rs,
      sops-nix,
      ...
    }:
    let
      inherit (nixpkgs) lib;
      fleet = import ./fleet.nix;

      machine =
        modules:
        lib.nixosSystem {
          inherit modules;
          specialArgs = { inherit fleet; };
        };
      host = name: _address: machine [ ./host/nodes/${name}/configuration.nix ];
      guest =
        name: _address:
        machine [
          sops-nix.nixosModules.sops
          ./guests/${name}/configuration.nix
        ];
    in
    {
      nixosConfigurations = lib.mapAttrs host fleet.members // lib.mapAttrs guest fleet.guests;

      # What guests are made of: scripts/guest-image.sh builds it and gives it to the cluster.
      packages.x86_64-linux =
        let
          image = machine [ ./guests/image.nix ];
        in
        {
          guest-image = image.config.system.build.qemuImage;
          guest-metadata = image.config.system.build.metadata;
        };

      deploy = import ./deploy.nix { inherit self deploy-rs fleet; };

      checks = lib.mapAttrs (_system: deployLib: deployLib.deployChecks self.deploy) deploy-rs.lib;

      formatter.x86_64-linux = nixpkgs.legacyPackages.x86_64-linux.nixfmt-tree;
    };
}
