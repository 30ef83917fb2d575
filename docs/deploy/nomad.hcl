# Nomad: the migrations as a task that runs before the application's in each allocation of its group. For a fleet of many
# thousands use a batch job before the release instead (README.md).
job "profile-api" {
  type = "service"

  group "api" {
    count = 3

    # Nomad does not tell exit codes apart: 1, 2 and 5 are tried again too, in vain and without harm.
    restart {
      attempts = 3
      delay    = "10s"
      interval = "1h"
      mode     = "fail"
    }

    task "migrate" {
      driver = "docker"
      user   = "65532:65532"

      # Ends before the application's task begins; not a sidecar.
      lifecycle {
        hook    = "prestart"
        sidecar = false
      }

      # More than --grace: the default of 5 s is less.
      kill_timeout = "40s"

      config {
        image           = "registry.example/profile-migrate:0.1.0"
        args            = ["all", "head", "--wait", "60s", "--deadline", "50min", "--grace", "20s", "--no-tenants", "ok", "--json"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      env {
        SHARED_DATABASE_URL_FILE = "${NOMAD_SECRETS_DIR}/shared-url"
        TENANT_DATABASE_URL_FILE = "${NOMAD_SECRETS_DIR}/tenant-url"
        PROFILE_MIGRATE_TENANT_ACTOR = "${NOMAD_ALLOC_ID}"
        # A job that is reverted brings an older image to newer databases: allow lets it start, refuse is exit code 5.
        PROFILE_MIGRATE_SHARED_ON_AHEAD = "allow"
        PROFILE_MIGRATE_TENANT_ON_AHEAD = "allow"
        # Allocations after the first do not visit tenants that the registry knows at head.
        PROFILE_MIGRATE_TENANT_LEDGER = "trust"
      }

      # From Nomad's variables into files of memory that only this task sees.
      template {
        destination = "${NOMAD_SECRETS_DIR}/shared-url"
        uid         = 65532
        gid         = 65532
        perms       = "400"
        data        = "{{ with nomadVar \"nomad/jobs/profile-api\" }}{{ .shared_url }}{{ end }}"
      }
      template {
        destination = "${NOMAD_SECRETS_DIR}/tenant-url"
        uid         = 65532
        gid         = 65532
        perms       = "400"
        data        = "{{ with nomadVar \"nomad/jobs/profile-api\" }}{{ .tenant_url }}{{ end }}"
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }

    task "api" {
      driver = "docker"
      config {
        image = "registry.example/profile-api:0.1.0"
      }
      resources {
        cpu    = 200
        memory = 256
      }
    }
  }
}
