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

resource "incus_storage_volume" "metrics" {
  name   = "metrics-data"
  pool   = "zpool"
  target = "elitedesk-2"
  config = merge(local.snapshots, { "zfs.block_mode" = "false" })
}

resource "incus_instance" "metrics" {
  name   = "metrics-vm"
  image  = "nixos"
  type   = "virtual-machine"
  target = "elitedesk-2"

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
      source = incus_storage_volume.metrics.name
      path   = "/srv/metrics"
    }
  }
}
