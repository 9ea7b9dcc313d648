"""The program's users: admission, roles, passphrase, lost phone, used kit, suspension, removal."""
