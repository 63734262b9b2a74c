#pragma once

// Symbol visibility: everything is hidden unless marked XGRAD_API.
#if defined(XGRAD_STATIC)
#define XGRAD_API
#elif defined(_WIN32)
#if defined(XGRAD_BUILDING)
#define XGRAD_API __declspec(dllexport)
#else
#define XGRAD_API __declspec(dllimport)
#endif
#else
#define XGRAD_API __attribute__((visibility("default")))
#endif
