// What Debian's static libstdc++, built for glibc, asks of the C library and musl lacks: enough to make it a shared one for
// tests of the musl build. Alpine has its own libstdc++.
#include <time.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
char __libc_single_threaded = 0;
int _dl_find_object(void *pc, void *result) { (void)pc; (void)result; return -1; }
uint32_t arc4random(void) { uint32_t n; if (getrandom(&n, sizeof n, 0) != sizeof n) abort(); return n; }
size_t __strftime_l(char *s, size_t n, const char *f, const struct tm *t, locale_t l) { return strftime_l(s, n, f, t, l); }
int __cxa_thread_atexit_impl(void (*f)(void *), void *o, void *d) { (void)f; (void)o; (void)d; return 0; }
