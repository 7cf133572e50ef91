"""What searching the words spoken costs, on both databases.

The calls are generated from a seed: some 650 words (4 kB) each in 60 segments, drawn from 12,000 words by Zipf's law, with
planted words of which it is known in which calls they are; what is found is compared with that.
"""
