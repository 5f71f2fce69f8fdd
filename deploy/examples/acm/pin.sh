#!/bin/sh
# pin.sh ARN: pins the key of a certificate in AWS Certificate Manager. ACM gives out the certificate, never its key.
# Needs acm:GetCertificate on that ARN, and PINTLE_SERVER, PINTLE_ORGANIZATION, PINTLE_PROJECT, PINTLE_TOKEN, PINTLE_KEY.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
aws acm get-certificate --certificate-arn "$1" --query Certificate --output text > "$directory/certificate.pem"
pintle pins sync --from-file "$directory/certificate.pem" --release
