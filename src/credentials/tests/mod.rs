mod chains;
mod codes;
