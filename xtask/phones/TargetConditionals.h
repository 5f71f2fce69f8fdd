/* What ring's C asks of Apple's SDK, which is not here: enough to look whether everything compiles for a phone. */
#define TARGET_OS_IPHONE 1
