rule hello { strings: $a = "fox" condition: $a }
