# What @member@ carries. `runbook plan infra-apply --node @member@` shows what would change.
terraform {
  required_version = ">= 1.5"

  required_providers {
    incus = {
      source  = "lxc/incus"
      version = "~> 1.1"
    }
  }
}

# The cluster, as `incus remote add @name@` has made it known to the worker's user.
provider "incus" {
  default_remote = "@name@"

  remote {
    name = "@name@"
  }
}

locals {
  member = "@member@"

  # Of instances and of volumes. A snapshot is no backup: those are in runbook.yaml.
  snapshots = {
    "snapshots.schedule" = "45 5 * * *"
    "snapshots.expiry"   = "14d"
  }
}
