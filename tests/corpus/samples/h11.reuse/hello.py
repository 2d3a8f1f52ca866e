# SPDX-FileCopyrightText: 2026 The Corpus
#
# SPDX-License-Identifier: CC0-1.0

print("hello")
