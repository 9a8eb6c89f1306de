"""Finding patient data, personal data and secrets in text and in the fields of structured documents."""
