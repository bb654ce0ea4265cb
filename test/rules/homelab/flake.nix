{
  description = "homelab";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    sops-nix = {
      url = "github:Mic92/sops-nix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    deploy-rs.url = "github:serokell/deploy-rs";
  };

  outputs =
    inputs@{ self, nixpkgs, ... }:
    {
      nixosConfigurations.elitedesk-1 = nixpkgs.lib.nixosSystem {
        modules = [ ./host/nodes/elitedesk-1/configuration.nix ];
      };
      nixosConfigurations.elitedesk-2 = nixpkgs.lib.nixosSystem {
        modules = [ ./host/nodes/elitedesk-2/configuration.nix ];
      };
      nixosConfigurations.nuc-1 = nixpkgs.lib.nixosSystem {
        modules = [ ./host/nodes/nuc-1/configuration.nix ];
      };
      nixosConfigurations.edge-vm = nixpkgs.lib.nixosSystem {
        modules = [
          inputs.sops-nix.nixosModules.sops
          ./guests/edge-vm/configuration.nix
        ];
      };
      deploy = import ./deploy.nix { inherit self inputs; };
    };
}
