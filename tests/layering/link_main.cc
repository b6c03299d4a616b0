// Gate 3 of the module walls: a library linked whole against its declared dependencies only.
// An upward call that was smuggled in by a forward declaration is an undefined reference here.
int main() { return 0; }
