#pragma once

// XGRAD_SANITIZED is defined under the address and the thread sanitizer, which have their own allocators.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define XGRAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define XGRAD_SANITIZED 1
#endif
#endif
