# `terraform init` lists the workspaces of this backend.
terraform {
  backend "s3" {
    bucket         = "matrix-bucket"
    key            = "terraform.tfstate"
    use_path_style = true
  }
}
