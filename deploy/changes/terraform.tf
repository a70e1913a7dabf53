# wayfarer.toml: [hooks.terraform] secret = { env = "TFE_HOOK_SECRET" }; a workspace called payments-production says service and environment.
resource "tfe_notification_configuration" "wayfarer" {
  name             = "wayfarer"
  enabled          = true
  destination_type = "generic"
  token            = var.tfe_hook_secret
  triggers         = ["run:applying", "run:completed", "run:errored", "assessment:drifted"]
  url              = "https://wayfarer.example.com/hooks/terraform"
  workspace_id     = var.workspace_id
}
