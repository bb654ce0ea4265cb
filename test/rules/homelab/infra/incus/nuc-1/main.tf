terraform {
  required_providers {
    incus = {
      source  = "lxc/incus"
      version = "~> 1.1"
    }
  }
}

locals {
  snapshots = {
    "snapshots.schedule" = "30 4 * * *"
    "snapshots.expiry"   = "14d"
  }
}

resource "incus_storage_volume" "home" {
  name   = "home-data"
  pool   = "zpool"
  target = "nuc-1"
  config = merge(local.snapshots, { "zfs.block_mode" = "false" })
}

resource "incus_instance" "home" {
  name   = "home-vm"
  image  = "nixos"
  type   = "virtual-machine"
  target = "nuc-1"

  config = {
    "limits.cpu"           = "2"
    "cluster.evacuate"     = "stop"
    "snapshots.schedule"   = "45 4 * * *"
    "snapshots.expiry"     = "7d"
    "cloud-init.user-data" = file("${path.module}/first-boot.yaml")
  }

  device {
    name = "data"
    type = "disk"
    properties = {
      pool   = "zpool"
      source = incus_storage_volume.home.name
      path   = "/srv/home"
    }
  }
}
